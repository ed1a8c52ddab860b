#include "search/parts.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/temp_dir.hpp"
#include "search/task_runner.hpp"
#include "sequence/memory_source.hpp"

namespace loom::search {
namespace {

blast::Options options_of(blast::Program program, const char* outfmt) {
  blast::Options options(program);
  EXPECT_TRUE(options.set("db", "some"));
  EXPECT_TRUE(options.set("outfmt", outfmt));
  return options;
}

struct Search {
  explicit Search(blast::Program program, const char* outfmt, std::uint64_t queries, std::uint64_t letters)
      : options(options_of(program, outfmt)), rule(part_rule(options, queries, letters)) {}
  blast::Options options;
  std::optional<PartRule> rule;
};

std::vector<Part> read_all(std::string_view text, const PartRule& rule, bool* plain = nullptr) {
  sequence::MemorySource source(text);
  PartReader reader(source, rule);
  std::vector<Part> parts;
  while (auto part = reader.next().value()) parts.push_back(*std::move(part));
  if (plain != nullptr) *plain = reader.plain();
  return parts;
}

const std::string kLong(6'000, 'M');

TEST(PartRule, OnlyWhereRowsSayNothingOfOtherQueries) {
  using blast::Program;
  EXPECT_TRUE(Search(Program::blastp, "6", 2, 500).rule);
  EXPECT_TRUE(Search(Program::tblastn, "7 std qlen", 2, 500).rule);
  EXPECT_FALSE(Search(Program::blastp, "0", 2, 500).rule);
  EXPECT_FALSE(Search(Program::blastp, "6 sseqid qseqid", 2, 500).rule);
  EXPECT_FALSE(Search(Program::psiblast, "6", 2, 500).rule);
  EXPECT_EQ(Search(Program::blastn, "6", 10, 1'500).rule->kind, "in company");
  EXPECT_FALSE(Search(Program::blastn, "6", 50, 7'500).rule)
      << "other tables than alone, and than among many";
  EXPECT_EQ(Search(Program::blastn, "6", 100, 15'000).rule->kind, "among many");
  auto options = options_of(Program::blastp, "6");
  ASSERT_TRUE(options.set("query_loc", "1-10"));
  EXPECT_FALSE(part_rule(options, 1, 100));
}

TEST(PartRule, NoneUnderABatchSizeOfTheUser) {
  ASSERT_EQ(setenv("BATCH_SIZE", "5000", 1), 0);
  const bool parts = Search(blast::Program::blastp, "6", 2, 500).rule.has_value();
  ASSERT_EQ(unsetenv("BATCH_SIZE"), 0);
  EXPECT_FALSE(parts);
}

TEST(PartReader, CutsWhereTheEngineCutsAndForgetsNamesAndLineBreaks) {
  const Search search(blast::Program::blastp, "6", 4, 18'100);
  const auto parts =
      read_all(">a one\n" + kLong + "\n>b\n" + kLong + "\n>c\nmkv\nLA\n>d\n" + kLong + "\n", *search.rule);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].queries.size(), 2U);
  EXPECT_EQ(parts[0].queries[0].title, "a one");
  const auto again = read_all(">x\nMKVLA\n>y z\n" + kLong + "\n", *search.rule);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].letters, parts[1].letters);
  EXPECT_NE(read_all(">x\n" + kLong + "\n>y\nMKVLA\n", *search.rule)[0].letters, parts[1].letters)
      << "the order of a batch counts";
}

TEST(PartReader, StopsAtWhatCannotBeToldApart) {
  const Search search(blast::Program::blastp, "6", 2, 500);
  for (const char* odd : {">\nMKV\n", "> a\nMKV\n", ">a\tb\nMKV\n", ">a\n", ">a,b\nMKV\n", ">a\n>?10\nMKV\n",
                          ">a\nMK;V\nLA\n", ">a\nM1KV\n"}) {
    bool plain = true;
    read_all(std::string(">fine\nMKV\n") + odd, *search.rule, &plain);
    EXPECT_FALSE(plain) << odd;
  }
}

/// Two batches: a and b, and c.
const std::string kQueries = ">a\n" + kLong + "\n>b\n" + kLong + "\n>c title\nMKVLA\n";

std::vector<std::pair<std::string, PartRows>> take_apart(const Search& search, std::string_view output,
                                                         std::string_view messages = "") {
  sequence::MemorySource source(kQueries);
  return parts_of_output(source, *search.rule, output, messages).value();
}

TEST(PartsOfOutput, RowsGoToTheirQueriesAndBackUnderOtherNames) {
  const Search search(blast::Program::blastp, "6 qseqid sseqid", 3, 12'005);
  const auto parts = take_apart(search, "a\ts1\na\ts2\nc\ts1\n");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].second, (PartRows{"r1\ts1\nr1\ts2\n", ""}));
  EXPECT_EQ(parts[1].second, (PartRows{"r1\ts1\n"}));
  const std::map<std::string, PartRows> known(parts.begin(), parts.end());
  const FindPart find = [&known](const std::string& letters) -> std::optional<PartRows> {
    const auto found = known.find(letters);
    return found == known.end() ? std::nullopt : std::optional(found->second);
  };
  sequence::MemorySource renamed(">z\nmkvla\n");
  EXPECT_EQ(output_of_parts(renamed, *search.rule, find).value(), "z\ts1\n");
  sequence::MemorySource other(">z\nMKVLL\n");
  EXPECT_EQ(output_of_parts(other, *search.rule, find).value(), std::nullopt);
}

TEST(PartsOfOutput, CommentsGoWithTheirQueries) {
  const Search search(blast::Program::blastp, "7 qseqid sseqid", 3, 12'005);
  const auto of = [](const std::string& title, const std::string& rows) {
    return "# BLASTP 2.12.0+\n# Query: " + title + "\n# Database: some\n" + rows;
  };
  const auto parts = take_apart(search, of("a", "# Fields: query id, subject id\n# 1 hits found\na\ts1\n") +
                                            of("b", "# 0 hits found\n") + of("c title", "# 0 hits found\n") +
                                            "# BLAST processed 3 queries\n");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[1].second, (PartRows{of("r1", "# 0 hits found\n")}));
  sequence::MemorySource again(">x y\nMKVLA\n>x y\nMKVLA\n");
  EXPECT_EQ(
      output_of_parts(again, *search.rule,
                      [&](const std::string&) { return PartRows{parts[1].second[0], parts[1].second[0]}; })
          .value(),
      of("x y", "# 0 hits found\n") + of("x y", "# 0 hits found\n") + "# BLAST processed 2 queries\n");
}

TEST(PartsOfOutput, NothingIsTakenFromWhatDoesNotFit) {
  const Search search(blast::Program::blastp, "6 qseqid sseqid", 3, 12'005);
  for (const char* odd : {"b\ts\na\ts\n", "x\ts\n", "a\ts1\nc\ts1\nd\ts1\n"})
    EXPECT_TRUE(take_apart(search, odd).empty());
  EXPECT_TRUE(take_apart(search, "a\ts1\n", "Warning: something of no query\n").empty());
  EXPECT_EQ(take_apart(search, "a\ts1\n", "Warning: [blastp] Query_2 b: one or more O characters\n").size(),
            1U);
}

TEST(KnownRows, KeptOnesAreLoadedAgain) {
  const auto dir = TempDir::create().value();
  const Search search(blast::Program::blastp, "6 qseqid sseqid", 3, 12'005);
  ASSERT_TRUE(write_file(dir.path() / "q.fa", kQueries));
  const auto queries =
      open_queries((dir.path() / "q.fa").string(), blast::Program::blastp, 10'000, dir.path()).value();
  const FindPart last = [](const std::string& letters) {
    return letters == "batch\nMKVLA\n" ? std::optional(PartRows{"r1\ts1\n"}) : std::nullopt;
  };
  const auto known = find_known(queries, *search.rule, last, dir.path()).value();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->records, 1U);
  EXPECT_FALSE(known->of_record[1].known);
  const auto loaded = load_known(queries, dir.path()).value();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->of_record[2].to, known->of_record[2].to);
  EXPECT_EQ(loaded->records, 1U);
  EXPECT_FALSE(
      find_known(queries, *search.rule, [](const std::string&) { return std::nullopt; }, dir.path()).value());
  EXPECT_FALSE(load_known(queries, dir.path()).value()) << "of the plan before";
}

TEST(KnownRows, ReadsThatAreSearchedHaveAsManyLettersAsTheirTablesNeed) {
  const auto dir = TempDir::create().value();
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += ">r" + std::to_string(i) + "\n" + std::string(149, 'A') + (i < 99 ? "C" : "G") + "\n";
  ASSERT_TRUE(write_file(dir.path() / "q.fa", text));
  const Search search(blast::Program::blastn, "6", 100, 15'000);
  const auto queries =
      open_queries((dir.path() / "q.fa").string(), blast::Program::blastn, 50'000, dir.path()).value();
  const FindPart most = [](const std::string& letters) {
    return letters.ends_with("C\n") ? std::optional(PartRows{""}) : std::nullopt;
  };
  const auto known = find_known(queries, *search.rule, most, dir.path()).value();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->records, 33U) << "67 reads of 150 letters are searched";
}

}  // namespace
}  // namespace loom::search
