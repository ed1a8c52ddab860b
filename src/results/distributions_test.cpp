#include "results/distributions.hpp"

#include <gtest/gtest.h>

#include "base/temp_dir.hpp"

namespace loom::results {
namespace {

TEST(Distribution, StepsAreRoundAndReachBothEnds) {
  const Distribution percent = Distribution::between(0, 100);
  EXPECT_EQ(percent.from, 0);
  EXPECT_EQ(percent.step, 5);
  EXPECT_EQ(percent.hits.size(), 20U);
  const Distribution odd = Distribution::between(-0.97, 179.6);
  EXPECT_EQ(odd.from, -10);
  EXPECT_EQ(odd.step, 10);
  EXPECT_EQ(odd.hits.size(), 19U);
  const Distribution one = Distribution::between(7, 7);
  EXPECT_LE(one.from, 7);
  EXPECT_GE(one.from + one.step * static_cast<double>(one.hits.size()), 7);
}

TEST(Distribution, BothEndsAreCounted) {
  Distribution made = Distribution::between(0, 100);
  for (const double value : {0.0, 4.999, 5.0, 100.0}) made.add(value, value == 5.0);
  EXPECT_EQ(made.hits.front(), 2U);
  EXPECT_EQ(made.hits[1], 1U);
  EXPECT_EQ(made.passed[1], 1U);
  EXPECT_EQ(made.hits.back(), 1U);
  EXPECT_EQ(made.passed.back(), 0U);
}

class DistributionsTest : public testing::Test {
 protected:
  std::shared_ptr<HitIndex> make(std::string_view rows, std::string_view columns) {
    const auto path = folder_->path() / "hits";
    const std::string whole =
        "# BLASTP 2.12.0+\n# Query: q1\n# Database: db\n# Fields: " + std::string(columns) +
        "\n# 3 hits found\n" + std::string(rows) +
        "# BLASTP 2.12.0+\n# Query: q2\n# Database: db\n# 0 hits found\n"
        "# BLAST processed 2 queries\n";
    const auto read = [rest = std::string_view(whole)](std::span<char> into) mutable -> Result<std::size_t> {
      const std::size_t count = rest.copy(into.data(), std::min(rest.size(), into.size()));
      rest.remove_prefix(count);
      return count;
    };
    const auto built = build_index(path, {}, read);
    EXPECT_TRUE(built) << built.error().message;
    auto opened = HitIndex::open(path);
    EXPECT_TRUE(opened);
    return opened ? *opened : nullptr;
  }
  Result<TempDir> folder_ = TempDir::create();
};

TEST_F(DistributionsTest, CountAllHitsOfAQueryAndThoseThatPass) {
  const auto index =
      make("q1\ts1\t90.0\t50\t1e-30\t105\nq1\ts2\t40.0\t30\t0.002\t30.1\nq1\ts3\t100.0\t52\t0.0\t300\n",
           "query acc.ver, subject acc.ver, % identity, alignment length, evalue, bit score");
  ASSERT_TRUE(index);
  PageRequest request{.query = 0};
  ASSERT_TRUE(request.filter.also("pident", Op::at_least, 80.0));
  const auto made = distributions(*index, request, Deadline::never());
  ASSERT_TRUE(made) << made.error().message;
  const auto sum = [](const std::vector<std::uint64_t>& bins) {
    std::uint64_t all = 0;
    for (const std::uint64_t one : bins) all += one;
    return all;
  };
  for (const auto* one : {&made->evalue, &made->pident, &made->length}) {
    ASSERT_TRUE(*one);
    EXPECT_EQ(sum((*one)->hits), 3U);
    EXPECT_EQ(sum((*one)->passed), 2U);
  }
  EXPECT_FALSE(made->coverage) << "no column tells it";
  EXPECT_EQ(made->evalue->passed.back(), 1U) << "0.0 is the last";
  EXPECT_EQ(made->pident->hits[8], 1U);
  EXPECT_EQ(made->pident->passed[8], 0U);
}

TEST_F(DistributionsTest, WithoutHitsThereAreNone) {
  const auto index = make("q1\ts1\t90.0\t1e-30\t105\nq1\ts2\t90.0\t1e-30\t105\nq1\ts3\t90.0\t1e-30\t105\n",
                          "query acc.ver, subject acc.ver, % identity, evalue, bit score");
  ASSERT_TRUE(index);
  const auto made = distributions(*index, {.query = 1}, Deadline::never());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->evalue);
  EXPECT_FALSE(distributions(*index, {.query = 2}, Deadline::never())) << "there is no such query";
  const auto first = distributions(*index, {.query = 0}, Deadline::never());
  ASSERT_TRUE(first && first->evalue);
  EXPECT_FALSE(first->length) << "no column tells it";
}

}  // namespace
}  // namespace loom::results
