#include "archive/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "archive/engine_under_test.hpp"

namespace loom::archive {
namespace {

using testing::HasSubstr;

struct Row {
  std::string query, subject;
  std::int64_t score = 0;
};
// What -outfmt 6 says about the same search, one row per HSP.
std::vector<Row> tabular_rows(const std::string& text) {
  std::istringstream in(text);
  std::vector<Row> rows;
  for (Row row; in >> row.query >> row.subject >> row.score;) rows.push_back(row);
  return rows;
}

Status read_all(Reader& reader) {
  for (;;) {
    LOOM_TRY(const Head* const head, reader.next_archive());
    if (head == nullptr) return ok();
    for (;;) {
      LOOM_TRY(const Alignment* const found, reader.next_alignment());
      if (found == nullptr) break;
    }
  }
}

const std::vector<std::string>& searches() {
  static const std::vector<std::string> all{"blastp -query p.fa -db p",
                                            "blastp -query p.fa -db pid -evalue 1000",
                                            "blastp -query p.fa -db p -ungapped -comp_based_stats 0",
                                            "blastx -query n.fa -db p",
                                            "blastn -query n.fa -db n -task blastn",
                                            "blastn -query n.fa -db n -ungapped",
                                            "tblastn -query p.fa -db n",
                                            "tblastx -query n.fa -db n",
                                            "psiblast -query p.fa -db p"};
  return all;
}

TEST(Reader, FindsTheSubjectsAndScoresThatTheTableShows) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  for (const std::string& search : searches()) {
    const auto rows = tabular_rows(engine.search(search + " -outfmt '6 qseqid sseqid score'"));
    ASSERT_GT(rows.size(), 100U) << search;
    const std::string text = engine.search(search + " -outfmt 11");
    Reader reader(pull_text(text, 5000), "f");
    auto row = rows.begin();
    std::size_t queries = 0;
    for (;;) {
      const auto head = reader.next_archive();
      ASSERT_TRUE(head) << head.error().message;
      if (*head == nullptr) break;
      const std::string program = search.substr(0, search.find(' '));
      EXPECT_EQ((*head)->program, program == "psiblast" ? "blastp" : program);
      queries += (*head)->queries.size();
      for (;;) {
        const auto found = reader.next_alignment();
        ASSERT_TRUE(found) << found.error().message;
        if (*found == nullptr) break;
        const Alignment& alignment = **found;
        ASSERT_LE(alignment.hsps, static_cast<std::size_t>(rows.end() - row)) << search;
        const std::string& title = (*head)->queries[alignment.query].title;
        EXPECT_EQ(title.substr(0, title.find(' ')), row->query) << search;
        EXPECT_EQ(alignment.score, row->score) << search;
        if (alignment.subject.oid) {
          const char first = search.find("-db n") == std::string::npos ? 's' : 'g';
          EXPECT_EQ(first + std::to_string(*alignment.subject.oid), row->subject) << search;
        } else {
          EXPECT_THAT(alignment.subject.text, HasSubstr(row->subject)) << search;
        }
        EXPECT_GT(alignment.bit_score, 0);
        row += static_cast<std::ptrdiff_t>(alignment.hsps);
      }
    }
    EXPECT_EQ(row, rows.end()) << search;
    EXPECT_EQ(queries, 9U) << search;
  }
}

TEST(Reader, TellsQueriesWithoutHitsAndTheirLengths) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  engine.write("none.fa", ">a title 1\nWWWWWWWWWWCCCCCCCCCC\n>b\nMKV\n");
  const std::string text = engine.search("blastp -query none.fa -db p -evalue 1e-9 -outfmt 11");
  Reader reader(pull_text(text), "f");
  const auto head = reader.next_archive();
  ASSERT_TRUE(head) << head.error().message;
  ASSERT_EQ((*head)->queries.size(), 2U);
  EXPECT_EQ((*head)->database, "p");
  EXPECT_EQ((*head)->queries[0].id, "lcl|Query_1");
  EXPECT_EQ((*head)->queries[0].letters, 20U);
  EXPECT_EQ((*head)->queries[0].title, "a title 1");
  EXPECT_EQ((*head)->queries[1].letters, 3U);
  EXPECT_EQ(reader.next_alignment().value(), nullptr);
  EXPECT_EQ(reader.next_archive().value(), nullptr);
}

TEST(Reader, ParsedDeflinesNameTheQueries) {
  LOOM_NEEDS_BLAST();
  const std::string text =
      Engine::instance().search("blastp -query p.fa -db pid -parse_deflines -evalue 1e-9 -outfmt 11");
  Reader reader(pull_text(text), "f");
  EXPECT_EQ(reader.next_archive().value()->queries[0].id, "lcl|q2");
  ASSERT_NE(reader.next_alignment().value(), nullptr);
}

TEST(Reader, NamesFileAndPlaceOfACutShortArchive) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  const std::string text = engine.search("blastp -query p.fa -db p -max_target_seqs 5 -outfmt 11");
  for (std::size_t size = 1; size + 2 < text.size(); size += 1 + size / 50) {
    engine.write("cut.asn", std::string_view(text).substr(0, size));
    auto reader = Reader::open(engine.file("cut.asn"));
    ASSERT_TRUE(reader);
    const Status read = read_all(*reader);
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, Code::corrupt);
    EXPECT_THAT(read.error().message, HasSubstr("cut.asn: line "));
    EXPECT_THAT(read.error().message, HasSubstr("byte "));
  }
}

TEST(Reader, RefusesWhatIsNoArchive) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"# BLASTP 2.12.0+\n", "f: line 1, byte 0: byte 0x23"},
      {"Seq-annot ::= { }", "expected Blast4-archive"},
      {"Blast4-archive ::= { results { masks { } } }", "expected alignments"},
      {"Blast4-archive ::= { results { alignments { { type partial } } } }", "two ids and an E-value"},
      {std::string_view("\x1f\x8b\x08\0", 4), "byte 0x1f"}};
  for (const auto& [text, message] : cases) {
    Reader reader(pull_text(text), "f");
    const Status read = read_all(reader);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::corrupt);
    EXPECT_THAT(read.error().message, HasSubstr(message));
  }
  const auto missing = Reader::open("/nonexistent/x.asn");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
}

}  // namespace
}  // namespace loom::archive
