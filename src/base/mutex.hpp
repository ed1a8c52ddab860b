#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

// Clang's thread-safety analysis (-Wthread-safety) checks these; other compilers ignore them.
#if defined(__clang__)
#define LOOM_TSA(x) __attribute__((x))
#else
#define LOOM_TSA(x)
#endif
#define GUARDED_BY(x) LOOM_TSA(guarded_by(x))
#define REQUIRES(...) LOOM_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) LOOM_TSA(locks_excluded(__VA_ARGS__))

namespace loom {

class LOOM_TSA(capability("mutex")) Mutex {
 public:
  void lock() LOOM_TSA(acquire_capability()) { mutex_.lock(); }
  void unlock() LOOM_TSA(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class LOOM_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) LOOM_TSA(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() LOOM_TSA(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits on a Mutex that the caller holds. Wake-ups may be spurious: wait in a loop on the condition.
class CondVar {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cond_.wait(lock);
    lock.release();
  }
  /// Also returns when `when` comes.
  void wait_until(Mutex& mutex, std::chrono::steady_clock::time_point when) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cond_.wait_until(lock, when);
    lock.release();
  }
  void notify_one() { cond_.notify_one(); }
  void notify_all() { cond_.notify_all(); }

 private:
  std::condition_variable cond_;
};

}  // namespace loom
