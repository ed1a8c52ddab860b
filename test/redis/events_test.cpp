// Job events from one process to another over a real redis-server that goes, comes back, hangs and is full.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/mutex.hpp"
#include "base/temp_dir.hpp"
#include "events/redis/publisher.hpp"
#include "events/redis/redis_hub.hpp"
#include "redis_server.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/never.hpp"

namespace loom::redis_test {
namespace {

using events::redis::Publisher;
using events::redis::RedisHub;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// What a listener was told.
class Told {
 public:
  explicit Told(events::Hub& hub) {
    hub.listen(
        [this](const std::vector<store::Event>& events) {
          const MutexLock lock(mutex_);
          all_.insert(all_.end(), events.begin(), events.end());
          changed_.notify_all();
        },
        handle_);
  }
  ~Told() { handle_.reset(); }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

  /// Once there are `count`, or after a minute.
  std::vector<store::Event> wait_for(std::size_t count) {
    return wait([count](const auto& all) { return all.size() >= count; });
  }
  /// Once the event of that order has come, or after a minute.
  std::vector<store::Event> wait_for_order(std::uint64_t order) {
    return wait([order](const auto& all) { return !all.empty() && all.back().order >= order; });
  }

 private:
  std::vector<store::Event> wait(const std::function<bool(const std::vector<store::Event>&)>& enough) {
    const Instant until = steady_clock().now() + seconds(60);
    const MutexLock lock(mutex_);
    while (!enough(all_) && steady_clock().now() < until) changed_.wait_until(mutex_, until);
    return all_;
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<store::Event> all_ GUARDED_BY(mutex_);
  std::shared_ptr<void> handle_;
};

class RedisEvents : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.rest = {.first = milliseconds(10), .most = milliseconds(50)};
    options_.patience = {.connect = milliseconds(500), .reply = milliseconds(500)};
  }
  void publish() {
    hub_ = events::Hub::start(*store_).value();
    publisher_ = std::make_unique<Publisher>(*store_, *hub_, redis_.settings(), options_);
  }
  /// A process that has only Redis, once it knows where it begins.
  std::unique_ptr<RedisHub> other_process() {
    auto other = std::make_unique<RedisHub>(redis_.settings(), options_);
    EXPECT_TRUE(until([&] { return other->began(); }));
    return other;
  }
  /// `count` jobs with three events each: submitted, moved, moved.
  void run_jobs(int count) {
    for (int i = 0; i < count; ++i) {
      store::NewJob wish;
      wish.owner = "ann ü\n";
      wish.query_key = "q";
      const store::Job job = store_->submit(wish, {}, store::wall_now(), kNever).value().job;
      ASSERT_TRUE(store_->start(job.id, std::vector<store::NewTask>(2), store::wall_now(), kNever));
      ASSERT_TRUE(store_->move_job(job.id, store::JobState::failed, {"memory", "it was too \"large\""},
                                   store::wall_now(), kNever));
    }
  }
  std::vector<store::Event> log(std::uint64_t after = 0) {
    return store_->read_all_events(after, store::kMostRows, kNever).value();
  }

  Result<TempDir> dir_ = TempDir::create();
  RedisServer redis_{dir_->path(), false};
  std::unique_ptr<store::SqliteJobStore> store_ =
      store::SqliteJobStore::open(dir_->path() / "jobs.sqlite").value();
  events::redis::StreamOptions options_;
  std::unique_ptr<events::Hub> hub_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(RedisEvents, AnotherProcessIsToldTheSameEventsInTheSameOrder) {
  redis_.start();
  publish();
  const auto other = other_process();
  Told told(*other);
  run_jobs(20);
  EXPECT_EQ(told.wait_for(60), log());
  EXPECT_GT(other->generation(), 1U);
}

TEST_F(RedisEvents, AProcessThatComesLaterBeginsBehindWhatIsThere) {
  redis_.start();
  publish();
  run_jobs(2);
  ASSERT_TRUE(until([&] { return publisher_->published() == 6; }));
  const auto other = other_process();
  std::shared_ptr<void> handle;
  EXPECT_EQ(other->listen([](const auto&) {}, handle), 6U);
  Told told(*other);
  run_jobs(1);
  EXPECT_EQ(told.wait_for(3), log(6));
}

TEST_F(RedisEvents, AStoreThatIsOnlyReadIsLookedAtWhenTheStreamSaysSo) {
  redis_.start();
  publish();
  const auto reading =
      store::SqliteJobStore::open_reading(dir_->path() / "jobs.sqlite", {.look_every = std::chrono::hours(1)})
          .value();
  const auto hub = events::Hub::start(*reading).value();
  const auto other = other_process();
  std::shared_ptr<void> wakes;
  other->listen([&reading](const auto& /*events*/) { reading->look(); }, wakes);
  Told told(*hub);
  for (std::size_t jobs = 1; jobs <= 5; ++jobs) {
    run_jobs(1);
    EXPECT_EQ(told.wait_for(3 * jobs), log());
  }
  wakes.reset();
}

TEST_F(RedisEvents, WhatHappensWhileRedisIsAwayIsCaughtUp) {
  publish();
  const auto begin = steady_clock().now();
  run_jobs(5);
  EXPECT_LT(steady_clock().now() - begin, seconds(20)) << "nobody waits for Redis";
  EXPECT_FALSE(publisher_->health().connected);
  ASSERT_TRUE(until([&] { return !publisher_->health().reason.empty(); }));
  RedisHub other(redis_.settings(), options_);
  Told told(other);
  redis_.start();
  ASSERT_TRUE(until([&] { return publisher_->published() == 15; }));
  ASSERT_TRUE(until([&] { return other.began(); }));
  EXPECT_TRUE(publisher_->health().connected);
  run_jobs(1);
  // What was in the stream when the other one connected first is history to it; all else it is told.
  const auto events = told.wait_for_order(18);
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events, log(events.front().order - 1));
}

TEST_F(RedisEvents, ARestartThatForgotAllCostsNoEventAndRepeatsNone) {
  redis_.start();
  publish();
  const auto other = other_process();
  Told told(*other);
  run_jobs(5);
  ASSERT_EQ(told.wait_for(15).size(), 15U);
  redis_.kill();
  run_jobs(5);
  redis_.start();
  run_jobs(5);
  EXPECT_EQ(told.wait_for(45), log());
  EXPECT_TRUE(until([&] { return publisher_->health().connects >= 2; }));
}

TEST_F(RedisEvents, ARedisThatHangsHoldsNobodyUp) {
  redis_.start();
  publish();
  const auto other = other_process();
  Told told(*other);
  run_jobs(1);
  ASSERT_EQ(told.wait_for(3).size(), 3U);
  redis_.freeze();
  run_jobs(3);
  ASSERT_TRUE(until([&] { return !publisher_->health().connected && !other->health().connected; }));
  redis_.go_on();
  EXPECT_EQ(told.wait_for(12), log());
}

TEST_F(RedisEvents, AFullRedisIsSaidAndCaughtUpWith) {
  redis_.start();
  publish();
  const auto other = other_process();
  Told told(*other);
  run_jobs(1);
  ASSERT_EQ(told.wait_for(3).size(), 3U);
  static_cast<void>(redis_.run({"CONFIG", "SET", "maxmemory", "1"}));
  run_jobs(2);
  ASSERT_TRUE(until([&] { return publisher_->health().reason.find("OOM") != std::string::npos; }));
  static_cast<void>(redis_.run({"CONFIG", "SET", "maxmemory", "0"}));
  EXPECT_EQ(told.wait_for(9), log());
}

TEST_F(RedisEvents, TheStreamKeepsItsNumberAndNoMoreThanTheNewestAreRefilled) {
  options_.keep = 100;
  run_jobs(200);
  redis_.start();
  publish();
  ASSERT_TRUE(until([&] { return publisher_->published() == 600; }));
  const std::int64_t length = redis_.run({"XLEN", options_.stream}).number;
  EXPECT_GE(length, 100);
  EXPECT_LE(length, 300) << "Redis trims whole nodes";
}

TEST_F(RedisEvents, SomeoneElsesEntriesAreSkippedAndAnotherStoresStreamIsRefused) {
  redis_.start();
  publish();
  const auto other = other_process();
  Told told(*other);
  run_jobs(1);
  ASSERT_EQ(told.wait_for(3).size(), 3U);
  static_cast<void>(redis_.run({"XADD", options_.stream, "4-0", "job", "nonsense"}));
  run_jobs(1);  // its first event is order 4, which is taken
  EXPECT_EQ(told.wait_for(5).size(), 5U);
  static_cast<void>(redis_.run({"XADD", options_.stream, "999-0", "job", "nonsense"}));
  static_cast<void>(redis_.run({"CLIENT", "KILL", "TYPE", "normal"}));
  run_jobs(1);
  EXPECT_TRUE(until([&] {
    return publisher_->health().reason.find("another job store") != std::string::npos;
  })) << publisher_->health().reason;
}

TEST_F(RedisEvents, AnotherStoresShorterStreamIsRefusedToo) {
  redis_.start();
  publish();
  run_jobs(2);
  ASSERT_TRUE(until([&] { return publisher_->published() == 6; }));
  publisher_.reset();
  hub_.reset();
  store_ = store::SqliteJobStore::open(dir_->path() / "other.sqlite").value();
  run_jobs(5);
  publish();
  EXPECT_TRUE(until([&] {
    return publisher_->health().reason ==
           "the stream 'blastloom:events' is of another job store; use another Redis "
           "or database";
  })) << publisher_->health().reason;
  EXPECT_EQ(redis_.run({"XLEN", options_.stream}).number, 6);
}

TEST_F(RedisEvents, AStreamThatAnotherStoreTookIsNoticedWhileConnected) {
  redis_.start();
  publish();
  run_jobs(1);
  ASSERT_TRUE(until([&] { return publisher_->published() == 3; }));
  static_cast<void>(redis_.run({"XADD", options_.stream, "999999-0", "job", "nonsense"}));
  run_jobs(1);
  EXPECT_TRUE(until([&] {
    return publisher_->health().reason.find("another job store") != std::string::npos;
  })) << publisher_->health().reason;
  EXPECT_EQ(publisher_->published(), 3U);
}

TEST_F(RedisEvents, OfTwoStoresThatBeginAStreamTogetherTheSecondIsTold) {
  redis_.start();
  publish();
  const TempDir folder = TempDir::create().value();
  auto store = store::SqliteJobStore::open(folder.path() / "other.sqlite").value();
  const auto hub = events::Hub::start(*store).value();
  const Publisher other(*store, *hub, redis_.settings(), options_);
  ASSERT_TRUE(until([&] { return publisher_->health().connected && other.health().connected; }));
  run_jobs(1);
  ASSERT_TRUE(until([&] { return publisher_->published() == 3; }));
  std::swap(store_, store);
  run_jobs(1);
  std::swap(store_, store);
  EXPECT_TRUE(until([&] { return other.health().reason.find("another job store") != std::string::npos; }));
}

TEST_F(RedisEvents, StoppingEndsAtOnce) {
  redis_.start();
  options_.patience.reply = seconds(30);
  publish();
  auto other = other_process();
  const auto begin = steady_clock().now();
  other.reset();
  publisher_.reset();
  EXPECT_LT(steady_clock().now() - begin, seconds(5)) << "the hub blocks 15 s in XREAD else";
}

}  // namespace
}  // namespace loom::redis_test
