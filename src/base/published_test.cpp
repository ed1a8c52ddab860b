#include "base/published.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <thread>

namespace loom {
namespace {

/// Counts those alive, and is spoilt when it is destroyed.
struct Pair {
  explicit Pair(std::uint64_t n, std::atomic<int>& alive_count) : a(n), b(~n), alive(alive_count) { ++alive; }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    a = b = 0;
    --alive;
  }
  std::uint64_t a;
  std::uint64_t b;
  std::atomic<int>& alive;
};

TEST(Published, ReadsWhatWasPublishedLast) {
  std::atomic<int> alive{0};
  {
    Published<Pair> value(std::make_unique<const Pair>(1, alive));
    EXPECT_EQ(value.read()->a, 1U);
    value.publish(std::make_unique<const Pair>(2, alive));
    EXPECT_EQ(value.read()->a, 2U);
    EXPECT_EQ(alive, 1) << "what nobody reads is freed at once";
  }
  EXPECT_EQ(alive, 0);
}

TEST(Published, KeepsWhatIsReadUntilTheNextPublishAfterIt) {
  std::atomic<int> alive{0};
  Published<Pair> value(std::make_unique<const Pair>(1, alive));
  {
    const auto first = value.read();
    for (std::uint64_t n = 2; n < 10; ++n) value.publish(std::make_unique<const Pair>(n, alive));
    EXPECT_EQ(first->a, 1U);
    EXPECT_EQ(value.read()->a, 9U) << "a thread may read two at a time";
    EXPECT_EQ(alive, 2);
  }
  value.publish(std::make_unique<const Pair>(10, alive));
  EXPECT_EQ(alive, 1);
}

TEST(Published, ReadersSeeWholeValuesThatNeverGoBack) {
  constexpr std::uint64_t kLast = 20'000;
  std::atomic<int> alive{0};
  Published<Pair> value(std::make_unique<const Pair>(0, alive));
  std::barrier start(4);
  std::vector<std::jthread> readers;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      start.arrive_and_wait();
      for (std::uint64_t seen = 0; seen < kLast;) {
        const auto pair = value.read();
        if (pair->b != ~pair->a || pair->a < seen) ++wrong;
        seen = pair->a;
      }
    });
  }
  start.arrive_and_wait();
  int most_alive = 0;  // looked at in the end: readers go on until the last is published
  for (std::uint64_t n = 1; n <= kLast; ++n) {
    value.publish(std::make_unique<const Pair>(n, alive));
    most_alive = std::max(most_alive, alive.load());
  }
  readers.clear();
  EXPECT_LE(most_alive, 1 + 3) << "one for each reader";
  EXPECT_EQ(wrong, 0);
}

TEST(Published, MoreThreadsThanMarks) {
  std::atomic<int> alive{0};
  Published<Pair> value(std::make_unique<const Pair>(7, alive));
  std::atomic<std::uint64_t> sum{0};
  {
    std::vector<std::jthread> readers;
    for (std::size_t i = 0; i < Published<Pair>::kMarks + 20; ++i)
      readers.emplace_back([&] {
        for (int round = 0; round < 100; ++round) sum += value.read()->a;
      });
  }
  EXPECT_EQ(sum, 700 * (Published<Pair>::kMarks + 20));
}

}  // namespace
}  // namespace loom
