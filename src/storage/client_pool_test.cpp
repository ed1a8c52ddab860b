#include "storage/client_pool.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "base/check.hpp"
#include "testkit/manual_clock.hpp"

namespace loom::storage {
namespace {

using std::chrono::minutes;

/// Knows whether it is open, and how many are.
class Client {
 public:
  explicit Client(int number = 0) : number_(number) { ++open; }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    alive_ = false;
    --open;
  }
  void use() const { LOOM_CHECK(alive_.load(), "no client is closed under its user"); }
  void retire() { LOOM_CHECK(retired_.fetch_add(1) == 0, "a client leaves once"); }
  [[nodiscard]] bool retired() const { return retired_.load() > 0; }
  [[nodiscard]] int number() const { return number_; }
  static inline std::atomic<int> open{0};

 private:
  int number_;
  std::atomic<bool> alive_{true};
  std::atomic<int> retired_{0};
};

using Pool = ClientPool<Client>;
const auto kMake = [] { return std::make_shared<Client>(); };

ClientKey key(int number) {
  return ClientKey(fmt::format("https://account{}.blob.core.windows.net#{}", number, number));
}

TEST(ClientPool, GivesTheSameClientToEveryThread) {
  Pool pool;
  const auto mine = pool.acquire(key(1), kMake).owner();
  EXPECT_EQ(&*pool.acquire(key(1), kMake), mine.get());
  EXPECT_NE(&*pool.acquire(key(2), kMake), mine.get());
  std::thread([&] { EXPECT_EQ(&*pool.acquire(key(1), kMake), mine.get()); }).join();
  EXPECT_EQ(pool.size(), 2U);
}

TEST(ClientPool, KeepsAtMostItsNumberAndDropsTheOneUsedLongestAgo) {
  testkit::ManualClock clock;
  Pool pool(3, clock);
  for (int i = 0; i < 3; ++i) {
    clock.advance(minutes(1));
    static_cast<void>(pool.acquire(key(i), kMake));
  }
  const auto first = pool.acquire(key(0), kMake).owner();  // a hit: now the newest
  static_cast<void>(pool.acquire(key(3), kMake));
  EXPECT_EQ(pool.size(), 3U);
  EXPECT_EQ(&*pool.acquire(key(0), kMake), first.get());
  EXPECT_FALSE(first->retired());
  const auto again = pool.acquire(key(1), [] { return std::make_shared<Client>(7); });
  EXPECT_EQ(again->number(), 7) << "it had gone";
}

TEST(ClientPool, PrunesWhatIsIdleAndNeverWhatIsHitSteadily) {
  testkit::ManualClock clock;
  Pool pool(32, clock);
  const auto busy = pool.acquire(key(1), kMake).owner();
  const auto idle = pool.acquire(key(2), kMake).owner();
  std::size_t gone = 0;
  for (int i = 0; i < 40; ++i) {
    clock.advance(minutes(1));
    EXPECT_EQ(&*pool.acquire(key(1), kMake), busy.get());
    gone += pool.prune(minutes(30));
  }
  EXPECT_EQ(gone, 1U);
  EXPECT_TRUE(idle->retired());
  EXPECT_FALSE(busy->retired());
  EXPECT_NE(&*pool.acquire(key(2), kMake), idle.get()) << "the slot must not give back what was pruned";
}

TEST(ClientPool, AResetReachesEveryThread) {
  Pool pool;
  const int before = Client::open;
  std::barrier step(3);
  const auto work = [&] {
    static_cast<void>(pool.acquire(key(1), kMake));
    step.arrive_and_wait();  // both have it in their slots
    step.arrive_and_wait();  // reset
    const auto fresh = pool.acquire(key(1), [] { return std::make_shared<Client>(1); });
    EXPECT_EQ(fresh->number(), 1);
    step.arrive_and_wait();
  };
  std::thread one(work);
  std::thread two(work);
  step.arrive_and_wait();
  pool.reset();
  EXPECT_EQ(Client::open, before + 1) << "the threads' slots still hold it";
  step.arrive_and_wait();
  step.arrive_and_wait();
  EXPECT_EQ(Client::open, before + 1) << "the old one is closed, the new one is there";
  one.join();
  two.join();
}

TEST(ClientPool, AClientInUseOutlivesThePool) {
  Pool::Owner owner;
  {
    Pool pool;
    owner = pool.acquire(key(1), kMake).owner();
  }
  EXPECT_TRUE(owner->retired());
  owner->use();
}

TEST(ClientPool, ALeaseKeepsItsClientThroughAResetAndOtherLeases) {
  Pool pool(1);
  auto lease = pool.acquire(key(1), kMake);
  pool.reset();
  const auto next = pool.acquire(key(1), kMake);
  EXPECT_NE(&*lease, &*next);
  lease->use();
  for (int i = 2; i < 20; ++i) pool.acquire(key(i), kMake)->use();  // more than there are slots, and places
  const auto moved = std::move(lease);
  moved->use();
  next->use();
}

TEST(ClientPool, AClientMadeBeforeAResetIsNotKeptAfterIt) {
  Pool pool;
  int made = 0;
  const auto client = pool.acquire(key(1), [&] {
    if (++made == 1) pool.reset();
    return std::make_shared<Client>(made);
  });
  EXPECT_EQ(client->number(), 2);
}

TEST(ClientPool, StressOfUsersResetsPrunesAndEvictions) {
  const int before = Client::open;
  {
    Pool pool(4);
    std::atomic<bool> stop{false};
    std::vector<std::thread> users;
    for (int user = 0; user < 4; ++user)
      users.emplace_back([&pool, user] {
        std::vector<Pool::Owner> held(5);
        for (int round = 0; round < 20'000; ++round) {
          const auto lease = pool.acquire(key((round * 7 + user) % (round % 50 == 0 ? 6 : 2)), kMake);
          const auto second = pool.acquire(key(round % 5), kMake);
          auto& place = held[static_cast<std::size_t>(round) % held.size()];
          if (place) place->use();
          if (round % 3 == 0) place = lease.owner();  // held over other calls
          second->use();
          lease->use();
        }
      });
    std::thread breaker([&pool, &stop] {
      for (int round = 0; !stop; ++round) {
        if (round % 2 == 0) pool.reset();
        static_cast<void>(pool.prune(Duration(0)));
        LOOM_CHECK(pool.size() <= 4, "no more than the pool's number");
        std::this_thread::yield();
      }
    });
    for (std::thread& user : users) user.join();
    stop = true;
    breaker.join();
  }
  EXPECT_EQ(Client::open, before) << "all are closed once nobody has them";
}

}  // namespace
}  // namespace loom::storage
