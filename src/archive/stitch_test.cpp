#include "archive/stitch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "archive/engine_under_test.hpp"
#include "testkit/level.hpp"

namespace loom::archive {
namespace {

using testing::HasSubstr;

// The engine gathers this many letters, in these tests: two or three queries.
constexpr std::size_t kBatchLetters = 300;

std::vector<std::string> records(const std::string& fasta) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < fasta.size();) {
    const std::size_t next = std::min(fasta.find("\n>", at), fasta.size() - 1) + 1;
    all.push_back(fasta.substr(at, next - at));
    at = next;
  }
  return all;
}

struct Task {
  std::string queries;
  std::uint64_t first = 0;
};

// One task per `batches` internal batches.
std::vector<Task> cut(const std::string& fasta, int batches) {
  std::vector<Task> tasks;
  std::uint64_t ordinal = 0;
  std::size_t letters = kBatchLetters;
  int batch = batches - 1;
  for (const std::string& record : records(fasta)) {
    if (letters >= kBatchLetters) {
      letters = 0;
      if (++batch == batches) {
        tasks.push_back({"", ordinal});
        batch = 0;
      }
    }
    tasks.back().queries += record;
    letters += record.size() - record.find('\n') - 2;
    ++ordinal;
  }
  return tasks;
}

/// All that are copied; in quick runs one of them, another for each search.
std::vector<int> formats_of_this_search() {
  if (testkit::level() != testkit::Level::quick) return {8, 9, 11, 12};
  static std::size_t turn = 0;
  return {std::array{11, 8, 9, 12}.at(turn++ % 4)};
}

void expect_stitched(const std::string& search, const std::string& queries, int batches) {
  const Engine& engine = Engine::instance();
  const std::string batch_size = "BATCH_SIZE=" + std::to_string(kBatchLetters) + " ";
  for (const int outfmt : formats_of_this_search()) {
    const std::string options = " -outfmt " + std::to_string(outfmt);
    const std::string whole = engine.search(batch_size + search + options + " -query " + queries);
    std::string stitched;
    const auto tasks = cut(engine.read(queries), batches);
    ASSERT_GT(tasks.size(), 1U);
    for (const Task& task : tasks) {
      engine.write("task.fa", task.queries);
      ASSERT_TRUE(engine.run(batch_size + search + options + " -query task.fa -out task.out"));
      const PartNames names{.first_query = task.first,
                            .queries_numbered = search.find("deflines") == std::string::npos,
                            .database = search.find("-db pid") == std::string::npos
                                            ? search.substr(search.find("-db ") + 4, 1)
                                            : "pid"};
      const Status copied = copy_part(outfmt, engine.file("task.out"), names, append_to(stitched));
      ASSERT_TRUE(copied) << copied.error().message;
    }
    EXPECT_TRUE(stitched == whole) << search << ", " << outfmt << ", " << batches << " batches per task";
  }
}

TEST(CopyPart, MakesTheBytesOfOneRun) {
  LOOM_NEEDS_BLAST();
  expect_stitched("blastp -db p", "p.fa", 1);
  expect_stitched("blastp -db pid -seg yes", "p.fa", 2);  // subjects called Query_2, masks
  expect_stitched("blastp -db pid -parse_deflines", "p.fa", 2);
  expect_stitched("blastp -db p -ungapped -comp_based_stats 0", "p.fa", 2);
  expect_stitched("tblastn -db n", "p.fa", 2);
  expect_stitched("blastp -db p -max_target_seqs 1", "p.fa", 2);  // a message on the search as a whole
  expect_stitched("psiblast -db pid -num_iterations 2", "p.fa", 2);
}

TEST(CopyPart, MakesTheBytesOfOneRunForGenes) {
  LOOM_NEEDS_BLAST();
  expect_stitched("blastn -db n -task blastn", "n.fa", 2);
  expect_stitched("blastn -db n -ungapped", "n.fa", 1);
  expect_stitched("blastx -db pid", "n.fa", 2);
  expect_stitched("tblastx -db n", "n.fa", 2);
}

TEST(CopyPart, RenamesTheDatabaseAndBreaksTheLineAsBlastDoes) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  const std::string here = engine.search("blastp -query p.fa -db p -evalue 1e-9 -outfmt 11");
  for (const std::size_t size : {1U, 40U, 52U, 53U, 54U, 55U, 90U, 200U}) {
    const std::string folder = std::string(size, 'd');
    ASSERT_TRUE(engine.run("mkdir -p '" + folder + "/a b' && cp p.p* '" + folder + "/a b'"));
    const std::string name = "\"" + folder + "/a b/p\" \"" + folder + "/a b/p\"";
    const std::string there = engine.search("blastp -query p.fa -db '" + name + "' -evalue 1e-9 -outfmt 11");
    const std::string subject = "subject database ";
    const auto quoted = [&](const std::string& text) {
      const auto at = text.find(subject);
      return text.substr(at, text.find("\",\n", at) - at);
    };
    std::string renamed;
    ASSERT_TRUE(copy_part(11, pull_text(here, 100), "f", {.database = name}, append_to(renamed)));
    EXPECT_EQ(quoted(renamed), quoted(there));
    std::string back;
    ASSERT_TRUE(copy_part(11, pull_text(renamed, 100), "f", {.database = "p"}, append_to(back)));
    EXPECT_TRUE(back == here) << name;
  }
}

TEST(CopyPart, NamesFileAndPlaceOfACutShortOutput) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  for (const int outfmt : {8, 9, 11, 12}) {
    const std::string text =
        engine.search("blastp -query p.fa -db p -max_target_seqs 5 -outfmt " + std::to_string(outfmt));
    const std::size_t first_value = outfmt == 11 ? text.size() : text.size() / 20;
    for (std::size_t size = 1; size + 2 < first_value; size += 1 + size / 20) {
      engine.write("cut.out", std::string_view(text).substr(0, size));
      std::string copy;
      const Status copied = copy_part(outfmt, engine.file("cut.out"), {}, append_to(copy));
      ASSERT_FALSE(copied) << outfmt << " cut at " << size;
      EXPECT_EQ(copied.error().code, Code::corrupt);
      EXPECT_THAT(copied.error().message, HasSubstr("cut.out: "));
      EXPECT_THAT(copied.error().message, HasSubstr("byte "));
    }
  }
}

TEST(CopyPart, AnEmptyOutputStaysEmptyAndAnotherIsRefused) {
  for (const int outfmt : {8, 9, 11, 12}) {
    std::string copy;
    EXPECT_TRUE(copy_part(outfmt, pull_text(""), "f", {}, append_to(copy)));
    EXPECT_EQ(copy, "");
    const Status other = copy_part(outfmt, pull_text("BLASTP 2.12.0+\n\n"), "f", {}, append_to(copy));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Code::corrupt);
  }
  std::string copy;
  EXPECT_EQ(copy_part(7, pull_text(""), "f", {}, append_to(copy)).error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace loom::archive
