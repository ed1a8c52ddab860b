#include "catalog/filter.hpp"

#include <gtest/gtest.h>

#include "catalog/resolve.hpp"

namespace loom::catalog {
namespace {

std::string answer(std::int64_t length, std::int64_t adjustment, std::int64_t space) {
  return fmt::format(
      "<Iteration_query-len>{}</Iteration_query-len>\n<Statistics_hsp-len>{}</Statistics_hsp-len>\n"
      "<Statistics_eff-space>{}</Statistics_eff-space>\n",
      length, adjustment, space);
}

TEST(ParseProbe, SolvesForSequencesAndLetters) {
  const std::string xml = answer(57, 30, std::int64_t{27} * (1364855 - 30 * 3000)) +
                          answer(31, 6, std::int64_t{25} * (1364855 - 6 * 3000)) +
                          answer(400, 80, std::int64_t{320} * (1364855 - 80 * 3000));
  const auto counts = parse_probe(xml);
  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(*counts, (Counts{.sequences = 3000, .letters = 1364855}));
}

TEST(ParseProbe, RefusesWhatDoesNotAddUp) {
  for (const auto& xml : {std::string(), answer(57, 30, 27), answer(57, 30, 27000) + answer(58, 30, 28000),
                          answer(57, 30, 2700) + answer(31, 6, 7), answer(10, 10, 1) + answer(31, 6, 25),
                          answer(57, 30, 24300) + answer(31, 6, 24900) + answer(60, 10, 350)}) {
    const auto counts = parse_probe(xml);
    ASSERT_FALSE(counts) << xml;
    EXPECT_EQ(counts.error().code, Code::corrupt);
  }
}

TEST(MadeUpOid, IsReadFromBothSpellings) {
  EXPECT_EQ(made_up_oid("gnl|BL_ORD_ID|7"), 7U);
  EXPECT_EQ(made_up_oid("BL_ORD_ID:12"), 12U);
  EXPECT_EQ(made_up_oid("BL_ORD_ID:"), std::nullopt);
  EXPECT_EQ(made_up_oid("gnl|BL_ORD_ID|-1"), std::nullopt);
  EXPECT_EQ(made_up_oid("sp|P01308|"), std::nullopt);
}

TEST(ParseLookup, KeepsTheOrderOfTheIds) {
  const std::vector<std::string> ids{"a", "no", "b", "a"};
  const auto oids = parse_lookup(ids, "3\n1\n3\n", "Error: [blastdbcmd] Skipped no\n", 4);
  ASSERT_TRUE(oids) << oids.error().message;
  EXPECT_EQ(*oids, (std::vector<std::optional<std::uint32_t>>{3, std::nullopt, 1, 3}));
  for (const auto* out : {"", "3\n1\n", "3\n1\n9\n", "3\n1\n3\n1\n", "3\nx\n3\n"})
    EXPECT_FALSE(parse_lookup(ids, out, "Error: [blastdbcmd] Skipped no\n", 4)) << out;
  EXPECT_FALSE(parse_lookup(ids, "3\n1\n3\n3\n", "Error: [blastdbcmd] Skipped other\n", 4));
  EXPECT_TRUE(parse_lookup(ids, "3\n1\n3\n", "Error: [blastdbcmd] Skipped NO\n", 4))
      << "it tells ids in capitals";
}

}  // namespace
}  // namespace loom::catalog
