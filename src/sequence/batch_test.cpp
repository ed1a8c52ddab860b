#include "sequence/batch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace loom::sequence {
namespace {

using Letters = std::vector<std::uint32_t>;
using Starts = std::vector<std::size_t>;

Starts everywhere(const Letters& letters) {
  Starts all(letters.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

TEST(InternalBatches, TheRecordThatReachesTheSizeIsTheLast) {
  EXPECT_EQ(internal_batch_starts(Letters{6, 4, 1}, 10), (Starts{0, 2}));
  EXPECT_EQ(internal_batch_starts(Letters{6, 3, 1, 1}, 10), (Starts{0, 3}));
  EXPECT_EQ(internal_batch_starts(Letters{1, 99, 1}, 10), (Starts{0, 2}));
  EXPECT_EQ(internal_batch_starts(Letters{}, 10), Starts{});
}

TEST(InternalBatches, EmptyRecordsCountNothingAndOpenTheNextBatch) {
  EXPECT_EQ(internal_batch_starts(Letters{0, 0, 10, 0, 10, 0}, 10), (Starts{0, 3, 5}));
}

TEST(InternalBatches, ARunFromAStartKeepsTheBoundaries) {
  std::mt19937 random(7);
  Letters letters(500);
  for (auto& count : letters) count = static_cast<std::uint32_t>(random() % 2'000);
  const Starts starts = internal_batch_starts(letters, 10'000);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    Starts rest = internal_batch_starts(std::span(letters).subspan(starts[i]), 10'000);
    for (auto& start : rest) start += starts[i];
    EXPECT_EQ(rest, Starts(starts.begin() + static_cast<std::ptrdiff_t>(i), starts.end()));
  }
}

TEST(CutBatches, NearEqualShares) {
  const Letters letters(100, 50);
  const auto tasks = cut_batches(letters, 1'250, everywhere(letters));
  EXPECT_EQ(tasks, (std::vector<BatchRange>{{0, 25}, {25, 50}, {50, 75}, {75, 100}}));
}

TEST(CutBatches, OneTaskWithoutAllowedCutsOrBelowTheTarget) {
  const Letters letters(100, 50);
  const std::vector<BatchRange> one{{0, 100}};
  EXPECT_EQ(cut_batches(letters, 10, Starts{}), one);
  EXPECT_EQ(cut_batches(letters, 10, Starts{0}), one);
  EXPECT_EQ(cut_batches(letters, 5'000, everywhere(letters)), one);
  EXPECT_EQ(cut_batches(Letters{}, 10, Starts{}), std::vector<BatchRange>{});
  EXPECT_EQ(cut_batches(Letters{0, 0}, 10, Starts{0, 1}), (std::vector<BatchRange>{{0, 2}}));
}

TEST(CutBatches, AGiantStandsAlone) {
  const Letters letters{10, 10, 1'000, 10, 10};
  const auto tasks = cut_batches(letters, 104, everywhere(letters));
  EXPECT_EQ(tasks, (std::vector<BatchRange>{{0, 2}, {2, 3}, {3, 5}}));
}

TEST(CutBatches, AnyInputIsCoveredOnceAtAllowedPlacesInFairShares) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    Letters letters(1 + random() % 400);
    for (auto& count : letters) count = random() % 10 == 0 ? 0 : static_cast<std::uint32_t>(random() % 1'000);
    Starts allowed;
    for (std::size_t i = 0; i < letters.size(); ++i)
      if (random() % 3 == 0) allowed.push_back(i);
    const std::uint64_t target = 1 + random() % 20'000;
    const auto tasks = cut_batches(letters, target, allowed);
    std::size_t at = 0;
    for (const auto& task : tasks) {
      EXPECT_EQ(task.first, at);
      EXPECT_LT(task.first, task.last);
      if (at != 0) EXPECT_TRUE(std::binary_search(allowed.begin(), allowed.end(), at));
      at = task.last;
    }
    EXPECT_EQ(at, letters.size());
    // With cuts everywhere no task is off its share by more than the records at its two ends.
    for (const auto& task : cut_batches(letters, target, everywhere(letters))) {
      const auto part = std::span(letters).subspan(task.first, task.last - task.first);
      EXPECT_LE(std::accumulate(part.begin(), part.end(), std::uint64_t{0}), target + 2'000);
    }
  }
}

}  // namespace
}  // namespace loom::sequence
