#include "sequence/query_map.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "sequence/memory_source.hpp"

namespace loom::sequence {
namespace {

using Letters = std::vector<std::size_t>;
using Starts = std::vector<std::uint64_t>;

/// Records of these lengths, each on one line.
std::string fasta(const Letters& letters) {
  std::string text;
  for (std::size_t i = 0; i < letters.size(); ++i)
    text += ">q" + std::to_string(i) + "\n" + std::string(letters[i], 'M') + "\n";
  return text;
}

QueryMap mapped(const std::string& text, std::uint64_t unit_letters) {
  MemorySource source(text);
  return map_queries(source, Alphabet::protein, unit_letters).value();
}

Starts starts_of(const QueryMap& map) {
  Starts starts;
  for (const Unit& unit : map.units) starts.push_back(unit.first_record);
  return starts;
}

TEST(QueryMap, TheRecordThatReachesTheSizeIsTheLastOfItsUnit) {
  EXPECT_EQ(starts_of(mapped(fasta({6, 4, 1}), 10)), (Starts{0, 2}));
  EXPECT_EQ(starts_of(mapped(fasta({6, 3, 1, 1}), 10)), (Starts{0, 3}));
  EXPECT_EQ(starts_of(mapped(fasta({1, 99, 1}), 10)), (Starts{0, 2}));
}

TEST(QueryMap, EmptyRecordsCountNothingAndOpenTheNextUnit) {
  EXPECT_EQ(starts_of(mapped(fasta({0, 0, 10, 0, 10, 0}), 10)), (Starts{0, 3, 5}));
}

TEST(QueryMap, SumsUp) {
  const QueryMap map = mapped(">a\nMKV\n>\n>c\nMK\n", 100);
  EXPECT_EQ(map.records, 3U);
  EXPECT_EQ(map.letters, 5U);
  EXPECT_EQ(map.empty_records, 1U);
  EXPECT_EQ(map.unnamed_records, 1U);
  EXPECT_EQ(map.why_not_splittable, "");
}

TEST(QueryMap, AnInputWithoutQueriesHasNoUnits) {
  for (const std::string text : {"", "\n \n", "; only\n#comments\n"})
    EXPECT_TRUE(mapped(text, 10).units.empty());
}

TEST(QueryMap, UnitsLieEndToEndAndSayWhereTheyAre) {
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    Letters letters(1 + random() % 300);
    for (auto& count : letters) count = random() % 10 == 0 ? 0 : random() % 2'000;
    const std::string text = fasta(letters);
    const QueryMap map = mapped(text, 10'000);
    std::uint64_t record = 0;
    std::uint64_t offset = 0;
    std::uint64_t sum = 0;
    for (const Unit& unit : map.units) {
      EXPECT_EQ(unit.first_record, record);
      EXPECT_EQ(unit.offset, offset);
      EXPECT_EQ(unit.first_line, 1 + 2 * record) << "two lines a record";
      record += unit.records;
      offset += unit.bytes;
      sum += unit.letters;
    }
    EXPECT_EQ(record, letters.size());
    EXPECT_EQ(offset, text.size());
    EXPECT_EQ(sum, map.letters);
  }
}

TEST(QueryMap, ARunFromAUnitsStartHasTheSameUnits) {
  std::mt19937 random(11);
  Letters letters(500);
  for (auto& count : letters) count = random() % 2'000;
  const std::string text = fasta(letters);
  const QueryMap map = mapped(text, 10'000);
  const Starts starts = starts_of(map);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    Starts rest = starts_of(mapped(text.substr(map.units[i].offset), 10'000));
    for (auto& start : rest) start += starts[i];
    EXPECT_EQ(rest, Starts(starts.begin() + static_cast<std::ptrdiff_t>(i), starts.end()));
  }
}

TEST(JoinShortEnd, JoinsOnlyAShortLastUnit) {
  QueryMap map = mapped(fasta({10, 10, 3}), 10);
  const QueryMap before = map;
  join_short_end(map, 3);
  EXPECT_EQ(map.units.size(), 3U);
  join_short_end(map, 4);
  ASSERT_EQ(map.units.size(), 2U);
  EXPECT_EQ(map.units[1].records, 2U);
  EXPECT_EQ(map.units[1].letters, 13U);
  EXPECT_EQ(map.units[1].bytes, before.units[1].bytes + before.units[2].bytes);
}

TEST(JoinShortEnd, LeavesASingleUnit) {
  QueryMap map = mapped(fasta({3}), 10);
  join_short_end(map, 4);
  EXPECT_EQ(map.units.size(), 1U);
}

}  // namespace
}  // namespace loom::sequence
