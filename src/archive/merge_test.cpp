#include "archive/merge.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "archive/engine_under_test.hpp"
#include "testkit/level.hpp"

namespace loom::archive {
namespace {

using testing::HasSubstr;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

// `text` with only those alignments for which keep(alignment) says so.
template <class Keep>
std::string filtered(const std::string& text, Keep keep) {
  std::string out;
  Reader reader(pull_text(text), "f", {.keep_text = true, .frame = append_to(out), .database = {}});
  while (reader.next_archive().value() != nullptr) {
    std::string_view before = "\n      ";
    while (const Alignment* found = reader.next_alignment().value()) {
      if (!keep(*found)) continue;
      out += before;
      out += found->text;
      before = ",\n      ";
    }
  }
  return out;
}

struct Merged {
  std::string text;
  bool uncertain = false;  // of any query
};

Result<Merged> merged(const std::vector<std::string>& shards,
                      const MergeSpec& spec = {.max_subjects = kAll, .oid_of = {}, .database = {}}) {
  std::vector<Shard> sources;
  for (std::size_t i = 0; i < shards.size(); ++i)
    sources.push_back({pull_text(shards[i], 3000), "shard " + std::to_string(i)});
  Merged out;
  LOOM_TRY(const auto queries, merge_shards(std::move(sources), spec, append_to(out.text)));
  for (const MergedQuery& query : queries) out.uncertain |= query.uncertain;
  return out;
}

const std::string& real_archive(const std::string& search) {
  static std::map<std::string, std::string> cache;
  auto [at, fresh] = cache.try_emplace(search);
  if (fresh) at->second = Engine::instance().search("BATCH_SIZE=400 " + search + " -outfmt 11");
  return at->second;
}

RC_GTEST_PROP(MergeShards, PutsBackWhatWasSplitBySubject, ()) {
  if (!Engine::instance().ready()) return;
  const std::string search = *rc::gen::element<std::string>(
      "blastp -query p.fa -db p -evalue 1000", "blastp -query p.fa -db p -ungapped -comp_based_stats 0",
      "blastn -query n.fa -db n", "tblastx -query n.fa -db n", "blastx -query n.fa -db p");
  const std::string& text = real_archive(search);
  const std::size_t shards = *rc::gen::inRange<std::size_t>(1, 5);
  const auto shard_of = *rc::gen::container<std::vector<std::size_t>>(
      Engine::kSubjects, rc::gen::inRange<std::size_t>(0, shards));
  std::vector<std::string> parts;
  for (std::size_t shard = 0; shard < shards; ++shard)
    parts.push_back(filtered(text, [&](const Alignment& a) { return shard_of.at(*a.subject.oid) == shard; }));
  const auto whole = merged(parts);
  RC_ASSERT(whole.has_value());
  RC_ASSERT(whole->text == text || (whole->uncertain && search.starts_with("tblastx")));
}

constexpr int kShards = 3;

// shard0, shard1, …: thirds of `db`, with the statistics of the whole.
void make_shards(const std::string& db, const std::string& extension) {
  const Engine& engine = Engine::instance();
  ASSERT_TRUE(engine.run("blastdbcmd -db " + db + " -entry all -outfmt %l -out lengths"));
  std::istringstream lengths(engine.read("lengths"));
  std::uint64_t letters = 0;
  for (std::uint64_t length = 0; lengths >> length;) letters += length;
  constexpr int kEach = Engine::kSubjects / kShards;
  for (int i = 0; i < kShards; ++i)
    engine.write(
        "shard" + std::to_string(i) + extension,
        fmt::format("TITLE t\nDBLIST {}\nFIRST_OID {}\nLAST_OID {}\nSTATS_NSEQ {}\nSTATS_TOTLEN {}\n", db,
                    kEach * i + 1, kEach * (i + 1), Engine::kSubjects, letters));
}

TEST(MergeShards, MakesTheArchiveOfOneRun) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  ASSERT_NO_FATAL_FAILURE(make_shards("p", ".pal"));
  ASSERT_NO_FATAL_FAILURE(make_shards("n", ".nal"));
  const std::vector<std::pair<std::string, std::string>> searches{
      {"p", "blastp -query p.fa"},  {"p", "blastp -query p.fa -ungapped -comp_based_stats 0"},
      {"p", "blastx -query n.fa"},  {"n", "blastn -query n.fa -task blastn"},
      {"n", "tblastn -query p.fa"}, {"n", "tblastx -query n.fa"}};
  std::size_t turn = 0;
  for (const auto& [db, search] : searches) {
    std::vector<std::size_t> limits{500, 20};  // quick runs have one of them for each search, in turn
    if (testkit::level() == testkit::Level::quick) limits = {limits[turn++ % 2]};
    for (const std::size_t subjects : limits) {
      const std::string command =
          fmt::format("BATCH_SIZE=400 {} -evalue 1000 -outfmt 11 -max_target_seqs {} -db ", search, subjects);
      std::vector<std::string> parts;
      for (int i = 0; i < kShards; ++i) parts.push_back(engine.search(command + "shard" + std::to_string(i)));
      const auto whole = merged(parts, {.max_subjects = subjects, .oid_of = {}, .database = db});
      ASSERT_TRUE(whole) << whole.error().message;
      // Sums that agree in 15 digits and not in the 16th: the archive does not tell, and the merge says so.
      const bool guessed = whole->uncertain && search.starts_with("tblastx");
      EXPECT_TRUE(whole->text == engine.search(command + db) || guessed) << command << db;
    }
  }
}

// Equal in all digits printed: ranked by score, and reported where sums may hide a difference.
TEST(MergeShards, ReportsAnOrderThatItHadToGuess) {
  const auto shard = [](int oid, int score, const char* evalue_name) {
    return fmt::format(
        R"(Blast4-archive ::= {{ request {{ body queue-search {{ queries bioseq-set {{ seq-set {{ seq {{ id {{ local str
"Query_1" }}, inst {{ length 9 }} }} }} }} }} }}, results {{ alignments {{ {{ type partial, score {{
{{ id str "score", value int {1} }}, {{ id str "{2}", value real {{ 25, 10, -1 }} }} }}, segs denseg {{ ids {{
local str "Query_1", general {{ db "BL_ORD_ID", tag id {0} }} }} }} }} }} }} }}
)",
        oid, score, evalue_name);
  };
  const auto first_subject = [](const std::string& text) {
    Reader reader(pull_text(text), "f");
    EXPECT_NE(reader.next_archive().value(), nullptr);
    return reader.next_alignment().value()->subject.text;
  };
  const auto sums = merged({shard(1, 31, "sum_e"), shard(2, 30, "sum_e")});
  ASSERT_TRUE(sums) << sums.error().message;
  EXPECT_TRUE(sums->uncertain);
  EXPECT_EQ(first_subject(sums->text), "gnl|BL_ORD_ID|1");
  const auto same = merged({shard(1, 30, "e_value"), shard(2, 30, "e_value")});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_FALSE(same->uncertain);
  EXPECT_EQ(first_subject(same->text), "gnl|BL_ORD_ID|2");
  EXPECT_TRUE(merged({shard(1, 31, "e_value"), shard(2, 30, "e_value")}).value().uncertain);
}

TEST(MergeShards, AsksForOidsThatIdsDoNotTell) {
  LOOM_NEEDS_BLAST();
  const std::string& text = real_archive("blastp -query p.fa -db pid -evalue 1000");
  const auto odd = [](const Alignment& a) { return a.subject.text.starts_with("sp|"); };
  const auto even = [&](const Alignment& a) { return !odd(a); };
  MergeSpec spec{.max_subjects = kAll, .oid_of = {}, .database = {}};
  spec.oid_of = [](const SeqId& id) -> Result<std::uint64_t> {
    return std::stoull(id.text.substr(id.text.starts_with("sp|") ? 6 : 10));  // sp|P10007|…, lcl|Query_2
  };
  EXPECT_TRUE(merged({filtered(text, odd), filtered(text, even)}, spec).value().text == text);
  spec.oid_of = [](const SeqId&) -> Result<std::uint64_t> { return error(Code::not_found, "no such id"); };
  EXPECT_EQ(merged({text}, spec).error().code, Code::not_found);
}

TEST(MergeShards, CutsBySubject) {
  LOOM_NEEDS_BLAST();
  const std::string& text = real_archive("tblastn -query p.fa -db n");
  std::vector<Shard> shards;
  shards.push_back({pull_text(text), "whole"});
  std::string out;
  const auto counts =
      merge_shards(std::move(shards), {.max_subjects = 3, .oid_of = {}, .database = {}}, append_to(out));
  ASSERT_TRUE(counts);
  ASSERT_EQ(counts->size(), 9U);
  std::map<std::size_t, std::set<std::string>> subjects;
  std::size_t archive = 0;
  Reader reader(pull_text(out), "f");
  for (; reader.next_archive().value() != nullptr; archive += 100)
    while (const Alignment* found = reader.next_alignment().value())
      subjects[archive + found->query].insert(found->subject.text);
  EXPECT_EQ(subjects.size(), 9U);
  for (const auto& [query, ids] : subjects) EXPECT_EQ(ids.size(), 3U) << query;
  for (const MergedQuery& query : *counts) {
    EXPECT_GT(query.subjects, 10U);
    EXPECT_EQ(query.kept, 3U);
  }
}

TEST(MergeShards, RefusesASubjectThatComesTwice) {
  LOOM_NEEDS_BLAST();
  const std::string& text = real_archive("blastp -query p.fa -db p -evalue 1000");
  const auto overlap = merged({text, text});
  ASSERT_FALSE(overlap);
  EXPECT_EQ(overlap.error().code, Code::conflict);
  EXPECT_THAT(overlap.error().message, HasSubstr("gnl|BL_ORD_ID|"));
  EXPECT_THAT(overlap.error().message, HasSubstr("is in shard 0 and again in shard 1"));

  // The engine's own fault: one subject twice in one output, side by side.
  std::string doubled = text;
  const auto begin = doubled.find("alignments {\n      ") + 19;
  const auto end = doubled.find("\n      }", begin) + 8;
  doubled.insert(end, ",\n      " + doubled.substr(begin, end - begin));
  const auto twice = merged({doubled});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Code::conflict);
  EXPECT_THAT(twice.error().message, HasSubstr("shard 0: subject gnl|BL_ORD_ID|"));
}

TEST(MergeShards, RefusesShardsOfOtherQueries) {
  LOOM_NEEDS_BLAST();
  const std::string& text = real_archive("blastp -query p.fa -db p -evalue 1000");
  const std::string one_batch = Engine::instance().search("blastp -query p.fa -db p -outfmt 11");
  for (const std::string& other : {one_batch, std::string()}) {
    const auto mixed = merged({text, other});
    ASSERT_FALSE(mixed);
    EXPECT_EQ(mixed.error().code, Code::corrupt);
    EXPECT_THAT(mixed.error().message, HasSubstr("shard 1 has other queries"));
  }
  EXPECT_EQ(merged({}).error().code, Code::invalid_argument);
  EXPECT_EQ(merged({""}).value().text, "");
}

}  // namespace
}  // namespace loom::archive
