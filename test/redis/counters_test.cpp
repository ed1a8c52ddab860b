#include "events/redis/counters.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/temp_dir.hpp"
#include "redis_server.hpp"
#include "testkit/manual_clock.hpp"

namespace loom::redis_test {
namespace {

using events::redis::Connection;
using events::redis::CounterOptions;
using events::redis::Counters;
using events::redis::Counts;
using events::redis::Row;
using std::chrono::milliseconds;
using std::chrono::seconds;

class RedisCounters : public ::testing::Test {
 protected:
  /// Drains until the sum of what came is `sum`, or a minute is over.
  static Counts drain_until(Counters& counters, std::uint32_t sum) {
    Counts all{};
    const Instant end = steady_clock().now() + seconds(60);
    for (std::uint32_t got = 0; got < sum && steady_clock().now() < end;) {
      const Counts some = counters.drain();
      for (std::size_t i = 0; i < all.size(); ++i) {
        all.at(i) += some.at(i);
        got += some.at(i);
      }
      std::this_thread::sleep_for(milliseconds(2));
    }
    return all;
  }

  Result<TempDir> dir_ = TempDir::create();
  RedisServer redis_{dir_->path(), true};
  testkit::ManualClock clock_;
  CounterOptions options_{.patience = {seconds(30), seconds(30)}, .send_every = milliseconds(1)};
};

TEST_F(RedisCounters, WhatAllServersCountIsDrainedOnce) {
  redis_.start();
  Counters one(redis_.settings(), options_);
  Counters two(redis_.settings(), options_);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 50; ++n) (n % 2 == 0 ? one : two).emit(Row::requests);
      });
  }
  two.emit(Row::beats, 7);
  const Counts expected{200, 0, 0, 7};
  EXPECT_EQ(drain_until(one, 207), expected);
  EXPECT_EQ(two.drain(), Counts{});
}

TEST_F(RedisCounters, NonsenseAndExcessAreClamped) {
  redis_.start();
  Counters counters(redis_.settings(), options_);
  static_cast<void>(redis_.run(
      {"HSET", "blastloom:counters", "requests", "99999", "submits", "-5", "tasks", "x", "alien", "3"}));
  const Counts expected{1000, 0, 0, 0};
  EXPECT_EQ(counters.drain(), expected);
  EXPECT_EQ(redis_.run({"EXISTS", "blastloom:counters"}).number, 0);
}

TEST_F(RedisCounters, AfterAFailureItRestsAndEmitGoesOn) {
  Counters counters(redis_.settings(), options_, clock_);
  EXPECT_EQ(counters.drain(), Counts{});
  EXPECT_TRUE(counters.resting());
  redis_.start();
  counters.emit(Row::tasks, 5000);
  EXPECT_EQ(counters.drain(), Counts{}) << "it does not ask before the cooldown is over";
  EXPECT_EQ(redis_.run({"EXISTS", "blastloom:counters"}).number, 0);
  clock_.advance(seconds(5));
  const Counts expected{0, 0, 1000, 0};
  EXPECT_EQ(drain_until(counters, 1000), expected);
}

TEST_F(RedisCounters, TheConnectionIsClosedOnATripOnResetAndAtTheEnd) {
  redis_.start();
  const auto clients = [&] {
    const std::string list = redis_.run({"CLIENT", "LIST"}).text;
    return std::count(list.begin(), list.end(), '\n') - 1;  // but for the one that asks
  };
  {
    Counters counters(redis_.settings(), options_, clock_);
    static_cast<void>(counters.drain());
    EXPECT_EQ(clients(), 1);
    counters.reset();
    EXPECT_EQ(clients(), 0);
    static_cast<void>(redis_.run({"SET", "blastloom:counters", "no hash"}));
    EXPECT_EQ(counters.drain(), Counts{});
  }
  EXPECT_EQ(clients(), 0);
}

TEST_F(RedisCounters, ARedisThatHangsDelaysADrainByItsPatienceOnly) {
  redis_.start();
  options_.patience = {milliseconds(50), milliseconds(50)};
  Counters counters(redis_.settings(), options_);
  redis_.freeze();
  const auto begin = steady_clock().now();
  for (int i = 0; i < 1000; ++i) counters.emit(Row::requests);
  EXPECT_EQ(counters.drain(), Counts{});
  EXPECT_LT(steady_clock().now() - begin, seconds(20)) << "not one of them waits its 50 ms";
  EXPECT_TRUE(counters.resting());
  redis_.go_on();
}

TEST(RedisConnection, UrlsAreChecked) {
  const auto tcp = events::redis::parse_url("redis://[::1]:7000/3");
  ASSERT_TRUE(tcp) << tcp.error().message;
  EXPECT_EQ(tcp->host, "::1");
  EXPECT_EQ(tcp->port, 7000);
  EXPECT_EQ(tcp->database, 3U);
  EXPECT_EQ(events::redis::parse_url("redis://cache.lab")->port, 6379);
  EXPECT_EQ(events::redis::parse_url("unix:/run/redis.sock")->socket, "/run/redis.sock");
  for (const char* bad : {"", "redis://", "http://x", "redis://x:0", "redis://x:70000", "redis://x/y",
                          "rediss://x", "redis://user:hunter2@x", "redis://a b"}) {
    const auto parsed = events::redis::parse_url(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos);
  }
  EXPECT_FALSE(events::redis::parse_url("unix:/" + std::string(107, 'a')));
}

TEST(RedisConnection, AWrongPasswordIsForbiddenAndNotShown) {
  const auto dir = TempDir::create();
  RedisServer redis(dir->path(), true, {"--requirepass", "right"});
  redis.start();
  auto settings = redis.settings();
  settings.password = "hunter2";
  const auto refused = Connection::open(settings, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::forbidden);
  EXPECT_EQ(refused.error().message.find("hunter2"), std::string::npos) << refused.error().message;
  settings.password = "right";
  settings.database = 3;
  const auto connection = Connection::open(settings, {});
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_EQ((*connection)->run({"PING"})->text, "PONG");
}

}  // namespace
}  // namespace loom::redis_test
