#include "events/hub.hpp"

#include <algorithm>
#include <atomic>
#include <list>
#include <stop_token>
#include <thread>

#include "base/mutex.hpp"

namespace loom::events {

namespace {

constexpr std::chrono::milliseconds kRest{100};  // after a reading that failed

class StoreHub final : public Hub {
 public:
  StoreHub(store::JobStore& store, std::uint64_t last) : store_(store), last_(last) {
    store_.on_commit([this] { grew(); });
    thread_ = std::thread([this] { loop(); });
  }
  StoreHub(const StoreHub&) = delete;
  StoreHub& operator=(const StoreHub&) = delete;
  ~StoreHub() override {
    store_.on_commit({});
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  [[nodiscard]] std::uint64_t generation() const override { return generation_.load(); }

  std::uint64_t listen(Listener listener, std::shared_ptr<void>& handle) override {
    const MutexLock telling(telling_);
    const auto place = listeners_.insert(listeners_.end(), std::move(listener));
    handle = std::shared_ptr<void>(nullptr, [this, place](void*) {
      const MutexLock ending(telling_);
      listeners_.erase(place);
    });
    return last_;
  }

 private:
  void grew() {
    generation_.fetch_add(1);
    {
      const MutexLock lock(mutex_);
      grown_ = true;
    }
    changed_.notify_one();
  }

  void loop() {
    while (wait()) {
      while (tell_page()) {
      }
    }
  }

  bool wait() {
    const MutexLock lock(mutex_);
    while (!grown_ && !stopping_) changed_.wait(mutex_);
    grown_ = false;
    return !stopping_;
  }

  std::uint64_t last() {
    const MutexLock telling(telling_);
    return last_;
  }

  /// Whether there may be more. Reads and rests without telling_, for which those who listen wait on an io
  /// thread: who comes meanwhile begins behind last_ too, which only this thread moves, and is told what is
  /// being read.
  bool tell_page() {
    const auto events =
        store_.read_all_events(last(), store::kMostRows, Deadline::in(std::chrono::seconds(5)));
    if (!events) {
      const MutexLock lock(mutex_);
      if (!stopping_) changed_.wait_until(mutex_, std::chrono::steady_clock::now() + kRest);
      return !stopping_;
    }
    if (events->empty()) return false;
    generation_.fetch_add(1);  // another process's commit may be read before the store says that it grew
    const MutexLock telling(telling_);
    for (const Listener& listener : listeners_) listener(*events);
    last_ = events->back().order;
    return events->size() == store::kMostRows;
  }

  store::JobStore& store_;
  std::atomic<std::uint64_t> generation_{1};
  Mutex telling_;  // held while listeners are called, and not while the store is
  std::list<Listener> listeners_ GUARDED_BY(telling_);
  std::uint64_t last_ GUARDED_BY(telling_);
  Mutex mutex_;
  CondVar changed_;
  bool grown_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Hub>> Hub::start(store::JobStore& store) {
  LOOM_TRY(const std::uint64_t last, store.last_order(Deadline::in(std::chrono::seconds(30))));
  return std::unique_ptr<Hub>(std::make_unique<StoreHub>(store, last));
}

}  // namespace loom::events
