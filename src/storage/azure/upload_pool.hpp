#pragma once
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.hpp"

namespace loom::storage::azure {

/// Threads that upload blocks for all writers of a store. Thread-safe.
class UploadPool {
 public:
  /// As many uploads may wait as run: the bound of the memory they hold.
  explicit UploadPool(std::size_t threads);
  UploadPool(const UploadPool&) = delete;
  UploadPool& operator=(const UploadPool&) = delete;
  /// Ends the uploads that were taken, then the threads.
  ~UploadPool();

  enum class Taken { yes, full };
  /// When full the caller uploads by itself: nobody waits for another's upload to begin.
  Taken offer(std::function<void()>& upload);

 private:
  void work();

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> waiting_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace loom::storage::azure
