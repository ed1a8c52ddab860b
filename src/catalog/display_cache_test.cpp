#include "catalog/display_cache.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>

#include "testkit/manual_clock.hpp"

namespace loom::catalog {
namespace {

using namespace std::chrono_literals;
using Claim = DisplayCache::Claim;
using Wait = DisplayCache::Wait;

constexpr DisplayKey kNt{.account = "ann", .database = "nt"};
constexpr DisplayKey kNr{.account = "ann", .database = "nr"};
constexpr DisplayKey kOthers{.account = "bob", .database = "nt"};

class DisplayCacheTest : public testing::Test {
 protected:
  /// What a load that gives `text` would leave.
  DisplayText load(DisplayKey key, const std::string& text) {
    auto got = cache.get(key, [&] { return text; });
    EXPECT_TRUE(got) << key.database;
    return got.value_or(nullptr);
  }
  std::string found(DisplayKey key) {
    const DisplayText text = cache.find(key);
    return text ? *text : "nothing";
  }
  Claim lead(DisplayKey key) {
    auto turn = cache.next_turn(key);
    EXPECT_TRUE(std::holds_alternative<Claim>(turn));
    return std::get<Claim>(std::move(turn));
  }
  /// Whether a call must wait for another's load.
  bool follows(DisplayKey key) { return std::holds_alternative<Wait>(cache.next_turn(key)); }
  /// The error that a call is answered with at once.
  std::string refused(DisplayKey key) {
    const auto turn = cache.next_turn(key);
    const auto* error = std::get_if<Error>(&turn);
    return error == nullptr ? "not refused" : error->message;
  }
  /// "nothing": look again.
  static std::string text_of(const std::optional<Result<DisplayText>>& answer) {
    if (!answer) return "look again";
    return *answer ? ***answer : "error: " + answer->error().message;
  }

  testkit::ManualClock clock;
  DisplayCache cache{clock};
};

TEST_F(DisplayCacheTest, HandsOutOneCopyForADay) {
  EXPECT_EQ(cache.find(kNt), nullptr);
  const DisplayText first = load(kNt, "one");
  clock.advance(24h - 1ns);
  const DisplayText hit = cache.find(kNt);
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit.get(), first.get()) << "the same bytes, not equal ones";
  EXPECT_EQ(load(kNt, "two").get(), first.get()) << "get() hits too";
  clock.advance(1ns);
  EXPECT_EQ(cache.find(kNt), nullptr);
  EXPECT_EQ(*load(kNt, "two"), "two");
  EXPECT_EQ(*first, "one") << "whoever holds the old value keeps it";
}

TEST_F(DisplayCacheTest, KeysAreAccountAndDatabase) {
  load(kNt, "ann's nt");
  load(kOthers, "bob's nt");
  load({.account = "nt", .database = "ann"}, "turned round");
  EXPECT_EQ(found(kNt), "ann's nt");
  EXPECT_EQ(found(kOthers), "bob's nt");
  EXPECT_EQ(found({.account = "annn", .database = "t"}), "nothing");
}

TEST_F(DisplayCacheTest, FollowersSleepFifteenSecondsAndLookAgain) {
  Claim leader = lead(kNt);
  clock.advance(50s);
  auto turn = cache.next_turn(kNt);
  const Wait wait = std::get<Wait>(turn);
  EXPECT_EQ(wait.until, clock.now() + 15s);
  EXPECT_EQ(wait.change, cache.change()) << "nothing to wake it yet";
  EXPECT_EQ(text_of(cache.settle(std::move(leader), std::string("v"))), "v");
  EXPECT_NE(wait.change, cache.change()) << "the end of the load does";
  EXPECT_EQ(found(kNt), "v");
}

TEST_F(DisplayCacheTest, ALeaseThatRanOutGoesToTheNextCaller) {
  Claim crashed = lead(kNt);
  clock.advance(60s - 1ns);
  const auto before = cache.change();
  EXPECT_TRUE(follows(kNt));
  EXPECT_EQ(cache.change(), before);
  clock.advance(1ns);
  Claim second = lead(kNt);
  EXPECT_NE(cache.change(), before) << "sleepers are woken";
  EXPECT_TRUE(follows(kNt)) << "and follow the new leader";
  clock.advance(60s - 1ns);
  EXPECT_TRUE(follows(kNt)) << "whose lease is a whole one";
}

TEST_F(DisplayCacheTest, ALateLeaderNeitherStoresNorClears) {
  Claim late = lead(kNt);
  clock.advance(60s);
  Claim second = lead(kNt);
  EXPECT_EQ(text_of(cache.settle(std::move(late), std::string("old"))), "old") << "for its own caller";
  EXPECT_EQ(found(kNt), "nothing");
  EXPECT_TRUE(follows(kNt)) << "the second still leads";
  EXPECT_EQ(text_of(cache.settle(std::move(second), std::string("new"))), "new");
  EXPECT_EQ(found(kNt), "new");
}

TEST_F(DisplayCacheTest, ALateLeaderOverwritesNothing) {
  Claim late = lead(kNt);
  clock.advance(60s);
  load(kNt, "new");
  EXPECT_EQ(text_of(cache.settle(std::move(late), std::string("old"))), "old");
  EXPECT_EQ(found(kNt), "new");
}

TEST_F(DisplayCacheTest, ALateFailureIsNotRemembered) {
  Claim late = lead(kNt);
  clock.advance(60s);
  Claim second = lead(kNt);
  EXPECT_EQ(text_of(cache.settle(std::move(late), error(Code::unavailable, "slow"))), "error: slow");
  EXPECT_EQ(refused(kNt), "not refused");
  EXPECT_TRUE(follows(kNt));
}

TEST_F(DisplayCacheTest, ALeaderPastItsLeaseStoresIfNobodyTookOver) {
  Claim slow = lead(kNt);
  clock.advance(61s);
  EXPECT_EQ(text_of(cache.settle(std::move(slow), std::string("v"))), "v");
  EXPECT_EQ(found(kNt), "v");
}

TEST_F(DisplayCacheTest, AClaimThatIsDroppedLetsTheNextLead) {
  const auto before = cache.change();
  {
    const Claim crashed = lead(kNt);
  }
  EXPECT_NE(cache.change(), before) << "sleepers are woken";
  EXPECT_EQ(*load(kNt, "v"), "v");

  EXPECT_THROW((void)cache.get(kNr, []() -> Result<std::string> { throw std::runtime_error("x"); }),
               std::runtime_error);
  EXPECT_EQ(*load(kNr, "v"), "v");
}

TEST_F(DisplayCacheTest, ADroppedClaimThatIsLateClearsNothing) {
  std::optional<Claim> late(lead(kNt));
  clock.advance(60s);
  const Claim second = lead(kNt);
  late.reset();
  EXPECT_TRUE(follows(kNt));
}

TEST_F(DisplayCacheTest, AnInvalidationDuringALoadMakesItsValueUnusable) {
  const struct {
    const char* name;
    std::function<std::size_t()> invalidate;
  } ways[]{{"one", [&] { return cache.invalidate(kNt); }}, {"all", [&] { return cache.clear(); }}};
  for (const auto& way : ways) {
    Claim leader = lead(kNt);
    const auto asleep = cache.change();
    EXPECT_EQ(way.invalidate(), 0U) << way.name << ": loads are not counted";
    EXPECT_NE(cache.change(), asleep) << way.name << ": followers look again";
    EXPECT_EQ(text_of(cache.settle(std::move(leader), std::string("old"))), "look again") << way.name;
    EXPECT_EQ(found(kNt), "nothing") << way.name;
  }
}

TEST_F(DisplayCacheTest, AnInvalidatedLeaderDoesNotDisturbTheNext) {
  Claim old = lead(kNt);
  cache.clear();
  Claim fresh = lead(kNt);
  EXPECT_EQ(text_of(cache.settle(std::move(old), error(Code::unavailable, "cut"))), "look again")
      << "its failure is no news either";
  EXPECT_TRUE(follows(kNt));
  EXPECT_EQ(text_of(cache.settle(std::move(fresh), std::string("new"))), "new");
  EXPECT_EQ(found(kNt), "new");
}

TEST_F(DisplayCacheTest, OtherKeysLoadsAreLeftAlone) {
  Claim leader = lead(kNt);
  cache.invalidate(kNr);
  EXPECT_EQ(text_of(cache.settle(std::move(leader), std::string("v"))), "v");
  EXPECT_EQ(found(kNt), "v");
}

TEST_F(DisplayCacheTest, GetLoadsAgainAfterAnInvalidation) {
  int loads = 0;
  const auto got = cache.get(kNt, [&]() -> Result<std::string> {
    if (++loads == 1) cache.invalidate(kNt);
    return fmt::format("load {}", loads);
  });
  ASSERT_TRUE(got);
  EXPECT_EQ(**got, "load 2");
  EXPECT_EQ(found(kNt), "load 2");
}

TEST_F(DisplayCacheTest, GetEndsAtItsDeadlineWhenInvalidationsOutrunIt) {
  int loads = 0;
  const auto got = cache.get(
      kNt,
      [&]() -> Result<std::string> {
        ++loads;
        clock.advance(1s);
        cache.clear();
        return "old";
      },
      Deadline::in(3s, clock));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::timed_out);
  EXPECT_EQ(loads, 3);
}

TEST_F(DisplayCacheTest, AFailureIsRememberedForSeconds) {
  int loads = 0;
  const auto fail = [&]() -> Result<std::string> {
    return error(Code::unavailable, "storage down {}", ++loads);
  };
  EXPECT_EQ(cache.get(kNt, fail).error().message, "storage down 1");
  clock.advance(5s - 1ns);
  EXPECT_EQ(cache.get(kNt, fail).error().message, "storage down 1");
  EXPECT_EQ(cache.get(kNr, fail).error().message, "storage down 2") << "of its own key only";
  clock.advance(1ns);
  EXPECT_EQ(*load(kNt, "v"), "v");
}

TEST_F(DisplayCacheTest, AnInvalidationForgetsAFailure) {
  (void)cache.get(kNt, []() -> Result<std::string> { return error(Code::not_found, "no such"); });
  EXPECT_EQ(refused(kNt), "no such");
  EXPECT_EQ(cache.invalidate(kNt), 0U) << "a failure is no value";
  EXPECT_EQ(*load(kNt, "v"), "v");
}

TEST_F(DisplayCacheTest, ACancelledLoadIsNobodyElsesFailure) {
  const auto got = cache.get(kNt, []() -> Result<std::string> { return error(Code::cancelled, "stop"); });
  EXPECT_EQ(got.error().code, Code::cancelled);
  EXPECT_EQ(*load(kNt, "v"), "v");
}

TEST_F(DisplayCacheTest, RememberedFailuresAreBounded) {
  DisplayCache small(clock, {.entries = 2});
  int loads = 0;
  const auto fail = [&]() -> Result<std::string> { return error(Code::not_found, "{}", ++loads); };
  for (const char* name : {"a", "b", "c"}) (void)small.get({.account = "", .database = name}, fail);
  int remembered = 0;
  for (const char* name : {"a", "b", "c"})
    remembered += std::holds_alternative<Error>(small.next_turn({.account = "", .database = name})) ? 1 : 0;
  EXPECT_EQ(remembered, 2);
}

TEST_F(DisplayCacheTest, InvalidationsCountWhatTheyRemove) {
  load(kNt, "1");
  load(kNr, "2");
  load(kOthers, "3");
  EXPECT_EQ(cache.invalidate(kNt), 1U);
  EXPECT_EQ(cache.invalidate(kNt), 0U);
  EXPECT_EQ(found(kNr), "2");
  EXPECT_EQ(found(kOthers), "3");
  load(kNt, "1");
  EXPECT_EQ(cache.clear(), 3U);
  EXPECT_EQ(found(kOthers), "nothing");
}

TEST_F(DisplayCacheTest, EvictsWhatIsNotInUse) {
  const auto name = [](int i) { return fmt::format("db{}", i); };
  for (int i = 0; i < 256; ++i) load({.account = "a", .database = name(i)}, name(i));
  EXPECT_EQ(found({.account = "a", .database = "db0"}), "db0");
  const DisplayText held = cache.find({.account = "a", .database = "db2"});
  load({.account = "a", .database = "new"}, "new");
  EXPECT_EQ(found({.account = "a", .database = "db0"}), "db0") << "was used, so it got a second chance";
  EXPECT_EQ(found({.account = "a", .database = "db1"}), "nothing") << "the oldest that nobody used";
  EXPECT_EQ(found({.account = "a", .database = "db255"}), "db255");
  EXPECT_EQ(cache.clear(), 256U);
  ASSERT_TRUE(held);
  EXPECT_EQ(*held, "db2") << "a value in use outlives its place in the cache";
}

TEST_F(DisplayCacheTest, EvictsOneEvenIfAllAreInUse) {
  DisplayCache small(clock, {.entries = 2});
  const auto put = [&](const char* name) {
    return small.get({.account = "", .database = name}, [] { return std::string("v"); });
  };
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(put(name));
    for (const char* hot : {"a", "b", "c", "d"}) (void)small.find({.account = "", .database = hot});
  }
  EXPECT_EQ(small.clear(), 2U);
}

TEST_F(DisplayCacheTest, ExpiredValuesGoFirst) {
  DisplayCache small(clock, {.entries = 2});
  const auto put = [&](const char* name) {
    return small.get({.account = "", .database = name}, [] { return std::string("v"); });
  };
  ASSERT_TRUE(put("unused"));
  clock.advance(1h);
  ASSERT_TRUE(put("fresh"));
  (void)small.find({.account = "", .database = "unused"});
  clock.advance(23h);
  ASSERT_TRUE(put("new"));
  EXPECT_TRUE(small.find({.account = "", .database = "fresh"}));
}

/// Threads that start together.
class Crowd {
 public:
  Crowd(int threads, const std::function<void(int)>& act) : start_(threads) {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([this, i, act] {
        start_.arrive_and_wait();
        act(i);
      });
  }

 private:
  std::latch start_;
  std::vector<std::jthread> threads_;
};

/// Eight callers that are told to follow before the leader ends its load with `loaded`; what each got.
std::vector<Result<DisplayText>> eight_followers(DisplayCache& cache, Result<std::string> loaded,
                                                 int& loads) {
  auto turn = cache.next_turn(kNt);
  std::atomic<int> own_loads{0};
  std::latch told_to_wait(8);
  std::vector<Result<DisplayText>> got(8, DisplayText());
  {
    const Crowd callers(8, [&](int i) {
      EXPECT_TRUE(std::holds_alternative<Wait>(cache.next_turn(kNt)));
      told_to_wait.count_down();
      got[static_cast<std::size_t>(i)] = cache.get(kNt, [&]() -> Result<std::string> {
        ++own_loads;
        return "of a follower";
      });
    });
    told_to_wait.wait();
    (void)cache.settle(std::get<Claim>(std::move(turn)), std::move(loaded));
  }
  loads = own_loads;
  return got;
}

TEST_F(DisplayCacheTest, EightCallersGetOneLoad) {
  DisplayCache patient(clock, {.wait = 1h});  // a lost wake-up hangs the test
  int loads = 0;
  for (const auto& got : eight_followers(patient, std::string("v"), loads)) EXPECT_TRUE(got && **got == "v");
  EXPECT_EQ(loads, 0);
}

TEST_F(DisplayCacheTest, FollowersOfAFailureGetItWithoutALoad) {
  DisplayCache patient(clock, {.wait = 1h});
  int loads = 0;
  for (const auto& got : eight_followers(patient, error(Code::unavailable, "down"), loads))
    EXPECT_TRUE(!got && got.error().message == "down");
  EXPECT_EQ(loads, 0);
}

TEST_F(DisplayCacheTest, EightCallersAtOnceLoadOnce) {
  std::atomic<int> loads{0};
  std::atomic<int> right{0};
  {
    const Crowd callers(8, [&](int) {
      const auto got = cache.get(kNt, [&]() -> Result<std::string> {
        ++loads;
        return "v";
      });
      right += got && **got == "v" ? 1 : 0;
    });
  }
  EXPECT_EQ(right, 8);
  EXPECT_EQ(loads, 1);
}

TEST_F(DisplayCacheTest, AHerdOfTenThousandLoadsEachKeyOnce) {
  std::atomic<int> loads{0};
  std::atomic<int> right{0};
  {
    const Crowd callers(16, [&](int) {
      for (int call = 0; call < 625; ++call) {
        const std::string name = fmt::format("db{}", call % 5);
        const auto got = cache.get({.account = "a", .database = name}, [&]() -> Result<std::string> {
          ++loads;
          return name;
        });
        right += got && **got == name ? 1 : 0;
      }
    });
  }
  EXPECT_EQ(right, 10'000);
  EXPECT_EQ(loads, 5);
}

TEST_F(DisplayCacheTest, SleepersAreWokenByWhoTakesOverAndByInvalidations) {
  for (const bool invalidate : {false, true}) {
    DisplayCache patient(clock, {.wait = 1h});  // a lost wake-up hangs the test
    auto turn = patient.next_turn(kNt);
    const Claim crashed = std::get<Claim>(std::move(turn));
    std::latch told_to_wait(1);
    const std::jthread follower([&] {
      EXPECT_TRUE(std::holds_alternative<Wait>(patient.next_turn(kNt)));
      told_to_wait.count_down();
      const auto got = patient.get(kNt, []() -> Result<std::string> { return "v"; });
      EXPECT_TRUE(got && **got == "v");
    });
    told_to_wait.wait();
    if (invalidate) {
      patient.clear();
    } else {
      clock.advance(60s);
      EXPECT_TRUE(patient.get(kNt, []() -> Result<std::string> { return "v"; }));
    }
  }
}

TEST_F(DisplayCacheTest, AFollowerThatLooksAgainTakesOver) {
  DisplayCache quick(clock, {.wait = 1ms});
  auto turn = quick.next_turn(kNt);
  const Claim crashed = std::get<Claim>(std::move(turn));
  std::atomic<bool> waited{false};
  std::jthread time([&] {
    while (!waited) std::this_thread::yield();
    clock.advance(60s);
  });
  EXPECT_TRUE(std::holds_alternative<Wait>(quick.next_turn(kNt)));
  waited = true;
  const auto got = quick.get(kNt, []() -> Result<std::string> { return "v"; });
  ASSERT_TRUE(got);
  EXPECT_EQ(**got, "v");
}

TEST_F(DisplayCacheTest, AFollowerGivesUpAtItsDeadline) {
  const Claim leader = lead(kNt);
  const auto got = cache.get(kNt, []() -> Result<std::string> { return "v"; }, Deadline::at(clock.now()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::timed_out);
}

TEST_F(DisplayCacheTest, NoValueOlderThanAnInvalidationIsHandedOutAfterIt) {
  // Each thread changes the source, invalidates, and asks: what it gets must not be older than its change.
  std::atomic<std::uint64_t> source{0};
  std::atomic<int> stale{0};
  {
    const Crowd callers(4, [&](int) {
      for (int round = 0; round < 300; ++round) {
        const std::uint64_t mine = ++source;
        if (round % 3 == 0) {
          cache.clear();
        } else {
          cache.invalidate(kNt);
        }
        const auto got =
            cache.get(kNt, [&]() -> Result<std::string> { return std::to_string(source.load()); });
        if (!got || std::stoull(**got) < mine) ++stale;
      }
    });
  }
  EXPECT_EQ(stale, 0);
}

TEST_F(DisplayCacheTest, ValuesStayWholeWhileThreadsEvictThem) {
  DisplayCache small(clock, {.entries = 8});
  std::atomic<int> wrong{0};
  {
    const Crowd callers(4, [&](int thread) {
      for (int call = 0; call < 2000; ++call) {
        const std::string name = fmt::format("database number {}", (call * 7 + thread) % 24);
        const DisplayKey key{.account = "a", .database = name};
        const auto got = small.get(key, [&]() -> Result<std::string> { return name; });
        if (!got || **got != name) ++wrong;
        const DisplayText hit = small.find(key);
        if (hit && *hit != name) ++wrong;
        if (call % 500 == 0) small.clear();
      }
    });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(small.clear(), 8U);
}

}  // namespace
}  // namespace loom::catalog
