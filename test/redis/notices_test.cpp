// Changes of what is shown of databases, from one process's cache to another's, over a real redis-server.
#include "events/redis/notices.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/temp_dir.hpp"
#include "catalog/display_cache.hpp"
#include "redis_server.hpp"

namespace loom::redis_test {
namespace {

using catalog::DisplayCache;
using events::redis::Changed;
using events::redis::NoticeOptions;
using events::redis::Notices;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array kDatabases{"nr", "a name\twith a tab"};

/// A process: its cache, and what tells it.
struct Process {
  Process(const events::redis::Settings& settings, const NoticeOptions& options)
      : notices(settings, options, [this](const Changed& changed) {
          if (changed == Changed{}) {
            ++alls;
            cache.clear();
          } else if (changed.database.empty()) {
            for (const char* database : kDatabases) cache.invalidate({changed.account, database});
          } else {
            cache.invalidate({changed.account, changed.database});
          }
          ++told;
        }) {}

  void load(std::string_view account, std::string_view database) {
    static_cast<void>(cache.get({account, database}, [] { return std::string("text"); }));
  }
  [[nodiscard]] bool has(std::string_view account, std::string_view database) const {
    return cache.find({account, database}) != nullptr;
  }

  std::atomic<int> alls = 0;
  std::atomic<int> told = 0;
  DisplayCache cache;
  Notices notices;
};

class RedisNotices : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.rest = {.first = milliseconds(10), .most = milliseconds(50)};
    options_.patience = {.connect = seconds(30), .reply = seconds(30)};
  }
  /// One that has connected.
  std::unique_ptr<Process> process() {
    auto made = std::make_unique<Process>(redis_.settings(), options_);
    EXPECT_TRUE(until([&] { return made->alls == 1 && made->notices.health().connected; }));
    return made;
  }

  Result<TempDir> dir_ = TempDir::create();
  RedisServer redis_{dir_->path(), false};
  NoticeOptions options_;
};

TEST_F(RedisNotices, OneAnAccountAndAllReachTheOtherAndNotTheSender) {
  redis_.start();
  const auto one = process();
  const auto two = process();
  for (const char* account : {"ann", "bob"})
    for (const char* database : kDatabases) {
      one->load(account, database);
      two->load(account, database);
    }
  one->notices.tell({"ann", "a name\twith a tab", "s1"});
  ASSERT_TRUE(until([&] { return two->told == 2; }));
  EXPECT_FALSE(two->has("ann", "a name\twith a tab"));
  EXPECT_TRUE(two->has("ann", "nr"));
  one->notices.tell({"ann"});
  ASSERT_TRUE(until([&] { return two->told == 3; }));
  EXPECT_FALSE(two->has("ann", "nr"));
  EXPECT_TRUE(two->has("bob", "nr"));
  one->notices.tell({});
  ASSERT_TRUE(until([&] { return two->alls == 2; }));
  EXPECT_FALSE(two->has("bob", "nr"));
  EXPECT_TRUE(one->has("bob", "nr")) << "it knows what it said";
  EXPECT_EQ(one->told, 1);
}

TEST_F(RedisNotices, AnInvalidationDuringALoadMakesThatLoadUnusable) {
  redis_.start();
  const auto one = process();
  const auto two = process();
  int loads = 0;
  const auto text = two->cache.get({"ann", "nr"}, [&] {
    if (++loads == 1) {
      one->notices.tell({"ann", "nr"});
      EXPECT_TRUE(until([&] { return two->told == 2; }));
      return std::string("old");
    }
    return std::string("new");
  });
  ASSERT_TRUE(text);
  EXPECT_EQ(**text, "new");
  EXPECT_EQ(*two->cache.find({"ann", "nr"}), "new");
}

TEST_F(RedisNotices, WhoeverMayHaveMissedSomethingForgetsAll) {
  redis_.start();
  const auto one = process();
  const auto two = process();
  two->load("ann", "nr");
  redis_.kill();
  ASSERT_TRUE(until([&] { return !two->notices.health().connected && !one->notices.health().connected; }));
  one->notices.tell({"ann", "nr"});
  EXPECT_TRUE(two->has("ann", "nr"));
  redis_.start();
  ASSERT_TRUE(until([&] { return !two->has("ann", "nr"); }));
  ASSERT_TRUE(until([&] { return one->notices.waiting() == 0; })) << "what was said meanwhile is said now";
}

TEST_F(RedisNotices, ARedisThatHangsIsNoticedByAnIdleListenerToo) {
  options_.patience = {.connect = milliseconds(500), .reply = milliseconds(500)};
  redis_.start();
  const auto one = process();
  redis_.freeze();
  const auto begin = steady_clock().now();
  for (int i = 0; i < 1000; ++i) one->notices.tell({"ann", fmt::to_string(i)});
  EXPECT_LT(steady_clock().now() - begin, seconds(60)) << "nobody waits for Redis, 500 ms each time";
  EXPECT_LE(one->notices.waiting(), options_.waiting);
  ASSERT_TRUE(until([&] { return !one->notices.health().connected; }));
  EXPECT_EQ(one->notices.health().reason, "Redis: no answer in time");
  redis_.go_on();
  ASSERT_TRUE(until([&] { return one->notices.health().connected && one->notices.waiting() == 0; }));
}

TEST_F(RedisNotices, NonsenseOnTheChannelIsSkipped) {
  redis_.start();
  const auto one = process();
  static_cast<void>(redis_.run({"PUBLISH", options_.channel, "nonsense"}));
  static_cast<void>(
      redis_.run({"PUBLISH", options_.channel, events::redis::message_of({"ann", "nr"}, "somebody")}));
  EXPECT_TRUE(until([&] { return one->told == 2; }));
}

}  // namespace
}  // namespace loom::redis_test
