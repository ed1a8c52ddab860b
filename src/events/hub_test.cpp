#include "events/hub.hpp"

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <new>
#include <stdexcept>

#include "base/log.hpp"
#include "base/mutex.hpp"

namespace loom::events {
namespace {

using store::Event;

constexpr std::chrono::seconds kPatience{30};

/// Has only a log, whose readings wait while it is held.
class SlowLog final : public store::JobStore {
 public:
  void add(std::uint64_t order) {
    const MutexLock lock(mutex_);
    Event event{.order = order, .job = *store::JobId::parse(std::string(32, '0'))};
    event.seq = order;
    log_.push_back(std::move(event));
    if (told_) told_();
  }
  /// Readings that begin from now on wait for release(), with what was there when they began.
  void hold() {
    const MutexLock lock(mutex_);
    held_ = true;
  }
  void release() {
    const MutexLock lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  /// So many readings fail from now on, the last of them by what it throws.
  void fail(int readings) {
    const MutexLock lock(mutex_);
    failures_ = readings;
  }
  /// Until a reading waits.
  bool await_reader() {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    const MutexLock lock(mutex_);
    while (waiting_ == 0 && std::chrono::steady_clock::now() < until) changed_.wait_until(mutex_, until);
    return waiting_ > 0;
  }

  Result<std::vector<Event>> read_all_events(std::uint64_t after, std::size_t limit,
                                             Deadline /*deadline*/) override {
    const MutexLock lock(mutex_);
    if (failures_ > 0) {
      if (--failures_ == 0) throw std::bad_alloc();
      return error(Code::unavailable, "the disk is away");
    }
    std::vector<Event> some;
    for (const Event& event : log_)
      if (event.order > after && some.size() < limit) some.push_back(event);
    ++waiting_;
    changed_.notify_all();
    while (held_) changed_.wait(mutex_);
    --waiting_;
    return some;
  }
  Result<std::uint64_t> last_order(Deadline /*deadline*/) override { return 0U; }
  void on_commit(std::function<void()> told) override {
    const MutexLock lock(mutex_);
    told_ = std::move(told);
  }

  // The hub calls none of these.
  Result<store::Submitted> submit(const store::NewJob&, const std::optional<store::Idempotency>&,
                                  store::UnixTime, Deadline) override {
    return none();
  }
  Result<std::optional<store::Job>> submitted(std::string_view, const store::Idempotency&,
                                              Deadline) override {
    return none();
  }
  Result<store::Job> get(const store::JobId&, Deadline) override { return none(); }
  Result<std::string> query(const store::JobId&, Deadline) override { return none(); }
  Result<std::uint64_t> users_of_query(std::string_view, Deadline) override { return none(); }
  Result<store::JobPage> list(const store::JobFilter&, const std::optional<store::JobCursor>&, std::size_t,
                              Deadline) override {
    return none();
  }
  Result<store::JobCounts> counts(Deadline) override { return none(); }
  Result<store::Job> start(const store::JobId&, std::span<const store::NewTask>, store::UnixTime,
                           Deadline) override {
    return none();
  }
  Result<store::Job> move_job(const store::JobId&, store::JobState, const store::Failure&, store::UnixTime,
                              Deadline) override {
    return none();
  }
  Result<store::Job> complete_job(const store::JobId&, const store::RuntimeMetrics&, store::UnixTime,
                                  Deadline) override {
    return none();
  }
  Result<store::Job> cancel(const store::JobId&, store::UnixTime, Deadline) override { return none(); }
  Result<store::Job> retry(const store::JobId&, store::UnixTime, Deadline) override { return none(); }
  Status remove(const store::JobId&, Deadline) override { return none(); }
  Result<std::vector<store::Task>> tasks(const store::JobId&, std::uint32_t, std::size_t, Deadline) override {
    return none();
  }
  Result<std::vector<store::LeasedTask>> lease_tasks(const store::JobId&, std::string_view, std::size_t,
                                                     store::UnixTime, store::UnixTime, Deadline) override {
    return none();
  }
  Result<store::Lease> renew(const store::Lease&, store::UnixTime, Deadline) override { return none(); }
  Result<store::Job> finish_task(const store::Lease&, std::string_view, const store::RuntimeMetrics&,
                                 store::UnixTime, Deadline) override {
    return none();
  }
  Status fail_task(const store::Lease&, const store::Failure&, store::UnixTime, Deadline) override {
    return none();
  }
  Status release_task(const store::Lease&, const store::Failure&, store::UnixTime, Deadline) override {
    return none();
  }
  Result<std::vector<store::Expired>> expire_leases(store::UnixTime, std::size_t, Deadline) override {
    return none();
  }
  Result<std::vector<store::Expired>> end_leases(store::UnixTime, std::size_t, Deadline) override {
    return none();
  }
  Result<std::vector<Event>> read_events(const store::JobId&, std::uint64_t, std::size_t, Deadline) override {
    return none();
  }
  std::vector<Result<store::BegunJob>> begin_whole(std::span<const store::WholeJob>, std::string_view,
                                                   store::UnixTime, store::UnixTime, Deadline) override {
    return {};
  }
  std::vector<Result<store::Job>> end_whole(std::span<const store::WholeEnd>, store::UnixTime,
                                            Deadline) override {
    return {};
  }
  Result<store::Answer> answer(const store::JobId&, Deadline) override { return none(); }
  Result<std::uint64_t> answer_bytes(Deadline) override { return none(); }
  Result<store::JobPage> jobs_without_metrics(const std::optional<store::JobCursor>&, std::size_t,
                                              Deadline) override {
    return none();
  }
  Result<store::Job> set_metrics(const store::JobId&, const store::RuntimeMetrics&, store::UnixTime,
                                 Deadline) override {
    return none();
  }
  Result<store::Leadership> try_lead(std::string_view, std::string_view, store::UnixTime, store::UnixTime,
                                     Deadline) override {
    return none();
  }

 private:
  static Error none() { return error(Code::internal, "the hub does not ask for that"); }

  Mutex mutex_;
  CondVar changed_;
  std::vector<Event> log_ GUARDED_BY(mutex_);
  std::function<void()> told_ GUARDED_BY(mutex_);
  bool held_ GUARDED_BY(mutex_) = false;
  int failures_ GUARDED_BY(mutex_) = 0;  // still to come
  int waiting_ GUARDED_BY(mutex_) = 0;
};

/// The orders that a listener was told.
class Told {
 public:
  Hub::Listener listener() {
    return [this](const std::vector<Event>& events) {
      const MutexLock lock(mutex_);
      for (const Event& event : events) orders_.push_back(event.order);
      changed_.notify_all();
    };
  }
  std::vector<std::uint64_t> wait_for(std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    const MutexLock lock(mutex_);
    while (orders_.size() < count && std::chrono::steady_clock::now() < until)
      changed_.wait_until(mutex_, until);
    return orders_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::uint64_t> orders_ GUARDED_BY(mutex_);
};

using Orders = std::vector<std::uint64_t>;

std::size_t count(std::string_view log, std::string_view words) {
  std::size_t times = 0;
  for (std::size_t at = log.find(words); at != std::string_view::npos; at = log.find(words, at + 1)) ++times;
  return times;
}

TEST(Hub, ListenersComeAndGoWhileTheStoreIsSlow) {
  SlowLog store;
  const auto hub = Hub::start(store).value();
  Told stays;
  Told goes;
  std::shared_ptr<void> staying;
  std::shared_ptr<void> going;
  EXPECT_EQ(hub->listen(goes.listener(), going), 0U);
  store.hold();
  store.add(1);
  ASSERT_TRUE(store.await_reader());
  auto both = std::async(std::launch::async, [&] {
    const std::uint64_t from = hub->listen(stays.listener(), staying);
    going.reset();
    return from;
  });
  const bool at_once = both.wait_for(kPatience) == std::future_status::ready;
  EXPECT_TRUE(at_once) << "it waits for the reading";
  store.add(2);
  store.release();
  EXPECT_EQ(both.get(), 0U);
  if (at_once) EXPECT_EQ(stays.wait_for(2), (Orders{1, 2})) << "what was being read is new to it";
  EXPECT_TRUE(goes.wait_for(0).empty()) << "it had gone";
}

TEST(Hub, WhoComesLaterIsToldOnlyWhatIsNew) {
  SlowLog store;
  const auto hub = Hub::start(store).value();
  Told first;
  Told second;
  std::shared_ptr<void> one;
  std::shared_ptr<void> two;
  EXPECT_EQ(hub->listen(first.listener(), one), 0U);
  store.add(1);
  EXPECT_EQ(first.wait_for(1), Orders{1});
  EXPECT_EQ(hub->listen(second.listener(), two), 1U);
  store.add(2);
  EXPECT_EQ(first.wait_for(2), (Orders{1, 2}));
  EXPECT_EQ(second.wait_for(1), Orders{2});
}

TEST(Hub, AListenerThatThrowsIsToldOnceAndKeepsNobodyFromLaterEvents) {
  SlowLog store;
  auto hub = Hub::start(store).value();
  Told before;
  Told thrower;
  Told after;
  std::array<std::shared_ptr<void>, 3> handles;
  hub->listen(before.listener(), handles[0]);
  hub->listen(
      [told = thrower.listener()](const std::vector<Event>& events) {
        told(events);
        throw std::runtime_error("too much to hear");
      },
      handles[1]);
  hub->listen(after.listener(), handles[2]);
  testing::internal::CaptureStderr();
  for (const std::uint64_t order : {1U, 2U}) {
    store.add(order);
    EXPECT_EQ(after.wait_for(order).size(), order);
  }
  handles = {};
  hub.reset();
  const std::string log = testing::internal::GetCapturedStderr();
  for (Told* told : {&before, &thrower, &after}) EXPECT_EQ(told->wait_for(2), (Orders{1, 2}));
  EXPECT_EQ(count(log, "event=events.listener_threw reason=\"too much to hear\""), 2U) << log;
}

TEST(Hub, ReadingsThatFailInARowAreLoggedOnceAndNothingIsMissed) {
  SlowLog store;
  auto hub = Hub::start(store).value();
  Told told;
  std::shared_ptr<void> handle;
  hub->listen(told.listener(), handle);
  log::set_level(log::Level::info);
  testing::internal::CaptureStderr();
  store.fail(3);
  store.add(1);
  EXPECT_EQ(told.wait_for(1), Orders{1});
  handle.reset();
  hub.reset();
  const std::string log = testing::internal::GetCapturedStderr();
  log::set_level(log::Level::warning);
  EXPECT_EQ(count(log, "event=events.unreadable"), 1U) << log;
  EXPECT_EQ(count(log, "reason=\"the disk is away\""), 1U) << log;
  EXPECT_EQ(count(log, "event=events.readable"), 1U) << log;
}

}  // namespace
}  // namespace loom::events
