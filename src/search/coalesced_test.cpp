#include "search/coalesced.hpp"

#include <gtest/gtest.h>

#include <random>

namespace loom::search {
namespace {

/// Letters in company of each internal batch, as the engine takes them.
std::vector<std::uint64_t> batches(const std::vector<std::uint64_t>& letters, std::uint64_t batch_size) {
  std::vector<std::uint64_t> all;
  std::uint64_t held = 0;
  for (const std::uint64_t one : letters) {
    if (held == 0) all.push_back(0);
    all.back() += letters_in_company(one, 1);
    held += one;
    if (held >= batch_size) held = 0;
  }
  return all;
}

TEST(BatchSize, FillsBatchesOfEqualReads) {
  const std::vector<std::uint64_t> reads(100, 150);
  const auto size = batch_size_for(reads);
  ASSERT_TRUE(size);
  EXPECT_EQ(batches(reads, *size),
            (std::vector<std::uint64_t>{26UL * 151, 26UL * 151, 26UL * 151, 22UL * 151}));
}

TEST(BatchSize, LeavesOneCompanyInOneBatch) {
  const std::vector<std::uint64_t> queries{1'000, 2'000, 997};
  EXPECT_EQ(batches(queries, batch_size_for(queries).value()).size(), 1U);
}

TEST(BatchSize, EveryBatchIsACompanyWhateverTheLengths) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint64_t> letters(1 + random() % 200);
    const std::uint64_t longest = 1 + random() % kMostLettersInBatches;
    for (std::uint64_t& one : letters) one = 1 + random() % longest;
    const auto size = batch_size_for(letters);
    ASSERT_TRUE(size) << "what rides in batches has at most kMostLettersInBatches letters";
    for (const std::uint64_t batch : batches(letters, *size)) EXPECT_LE(batch, kMostLettersInCompany);
  }
}

TEST(BatchSize, RefusesWhatNoCutMakesACompany) {
  EXPECT_FALSE(batch_size_for(std::vector<std::uint64_t>{4'000}));
  EXPECT_TRUE(batch_size_for(std::vector<std::uint64_t>{3'999}));
}

}  // namespace
}  // namespace loom::search
