#include "events/hub.hpp"

#include <atomic>
#include <thread>

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/mutex.hpp"
#include "events/listeners.hpp"

namespace loom::events {

namespace {

constexpr std::chrono::milliseconds kRest{100};  // after a reading that failed

class StoreHub final : public Hub {
 public:
  StoreHub(store::JobStore& store, std::uint64_t last) : store_(store), listeners_(last) {
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
    return listeners_.add(std::move(listener), handle);
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

  /// Whether there may be more.
  bool tell_page() {
    const auto told = guarded([this] { return tell_next(); });
    note(told ? nullptr : &told.error());
    return told ? *told == store::kMostRows : rest();
  }

  /// How many events were new. Reads while nobody is being told, for which those who listen would wait on an
  /// io thread: who comes meanwhile begins behind what was told last too, and is told what is being read.
  Result<std::size_t> tell_next() {
    LOOM_TRY(const auto events, store_.read_all_events(listeners_.last(), store::kMostRows,
                                                       Deadline::in(std::chrono::seconds(5))));
    if (events.empty()) return 0U;
    generation_.fetch_add(1);  // another process's commit may be read before the store says that it grew
    listeners_.tell(events);
    return events.size();
  }

  /// Logs the first failure of a row of them, and its end.
  void note(const Error* failure) {
    const bool failed = failure != nullptr;
    if (failed && !failing_)
      log::write(log::Level::warning, "events.unreadable", {{"reason", failure->message}});
    if (!failed && failing_) log::write(log::Level::info, "events.readable", {});
    failing_ = failed;
  }

  /// False at the end.
  bool rest() {
    const MutexLock lock(mutex_);
    if (!stopping_) changed_.wait_until(mutex_, std::chrono::steady_clock::now() + kRest);
    return !stopping_;
  }

  store::JobStore& store_;
  std::atomic<std::uint64_t> generation_{1};
  Listeners listeners_;
  bool failing_ = false;  // of the thread
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
