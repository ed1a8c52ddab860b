#include "catalog/residency.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "catalog/blast_under_test.hpp"
#include "catalog/database_files.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::EndsWith;

constexpr std::uint64_t kMiB = 1U << 20U;

std::vector<std::string> names_of(const Database& database) {
  std::vector<std::string> names;
  for (const auto& file : files_of(database)) names.push_back(file.path.filename());
  return names;
}

TEST(FilesOf, AreAllThatMakeblastdbWroteInTheOrderOfUse) {
  LOOM_NEEDS_BLAST();
  const auto folder = TempDir::create();
  ASSERT_TRUE(folder);
  const auto all = related_sequences(Molecule::protein, 6, 8);
  const auto fasta = as_fasta(all, 0, all.size());
  make_database(folder->path(), "w", Molecule::protein, fasta, {"-max_file_sz", "5000", "-parse_seqids"});
  make_database(folder->path(), "old", Molecule::protein, fasta, {"-blastdb_version", "4", "-parse_seqids"});
  make_database(folder->path(), "n", Molecule::nucleotide, ">a\nACGT\n");
  for (const auto& [name, molecule] :
       {std::pair{"w", Molecule::protein}, {"old", Molecule::protein}, {"n", Molecule::nucleotide}}) {
    std::set<std::string> written;
    for (const auto& entry : fs::directory_iterator(folder->path())) {
      const std::string file = entry.path().filename();
      if (file.starts_with(std::string(name) + '.') && !file.ends_with(".fa") && !file.ends_with("al"))
        written.insert(file);
    }
    const auto database = open_database(name, molecule, only(folder->path()));
    ASSERT_TRUE(database) << name;
    const auto listed = names_of(*database);
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), written);
    EXPECT_EQ(listed.size(), written.size()) << "each once";
  }
  const auto volumes = open_database("w", Molecule::protein, only(folder->path()));
  ASSERT_TRUE(volumes && volumes->volumes.size() == 2);
  EXPECT_THAT(names_of(*volumes),
              ElementsAre("w.00.pin", "w.00.psq", "w.01.pin", "w.01.psq", "w.00.phr", "w.01.phr", "w.00.pog",
                          "w.pdb", "w.pos", "w.pot", "w.ptf", "w.pto", "w.01.pog"));
}

/// Drops the file's pages, all of which must be on the disk for that.
void make_cold(const fs::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::fsync(file.get()), 0);
  ASSERT_EQ(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
}

/// 10 MiB of sequences and 1 MiB of headers with a real index; all but the index out of the page cache.
class WarmTest : public testing::Test {
 protected:
  void SetUp() override {
    LOOM_NEEDS_BLAST();
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    folder_.emplace(*std::move(made));
    struct statfs system{};
    ASSERT_EQ(::statfs(path().c_str(), &system), 0);
    if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC)
      GTEST_SKIP() << "files in memory cannot be made cold; set TMPDIR to a disk";
    make_database(path(), "d", Molecule::protein, ">a\nMKV\n");
    fs::resize_file(path() / "d.psq", 0);
    spit(path() / "d.psq", std::string(10 * kMiB + 100, 'x'));
    spit(path() / "d.phr", std::string(kMiB, 'y'));
    auto database = open_database("d", Molecule::protein, only(path()));
    ASSERT_TRUE(database);
    database_ = *std::move(database);
    for (const auto& file : files_of(database_)) {
      make_cold(file.path);
      all_bytes_ += file.bytes;
    }
  }
  [[nodiscard]] const fs::path& path() const { return folder_->path(); }
  [[nodiscard]] std::uint64_t resident() const {
    const auto now = residency(database_);
    EXPECT_TRUE(now) << now.error().message;
    return now->resident_bytes;
  }
  /// What `fincore` of util-linux says of one file, in whole pages; nullopt if it is not installed.
  [[nodiscard]] std::optional<std::uint64_t> fincore(const char* file) const {
    const ProgramRun said = run(path(), {"fincore", "-b", "-n", "-o", "RES", file});
    if (said.exit_code == 127) return std::nullopt;
    return std::stoull(said.out);
  }

  Database database_;
  std::uint64_t all_bytes_ = 0;

 private:
  std::optional<TempDir> folder_;
};

TEST_F(WarmTest, WarmsAllOfIt) {
  const std::uint64_t mapped = fs::file_size(path() / "d.pin");  // by database_, and in use, so it stays
  ASSERT_EQ(resident(), mapped) << "all else was made cold";
  std::vector<std::uint64_t> reports;
  const auto warmed = warm(database_, {.progress = [&](const WarmProgress& progress) {
                             EXPECT_EQ(progress.planned_bytes, all_bytes_);
                             reports.push_back(progress.done_bytes);
                           }});
  ASSERT_TRUE(warmed) << warmed.error().message;
  EXPECT_EQ(warmed->end, WarmEnd::whole);
  EXPECT_EQ(warmed->progress.read_bytes, all_bytes_ - mapped);
  EXPECT_EQ(warmed->residency.bytes, all_bytes_);
  EXPECT_EQ(warmed->residency.resident_bytes, all_bytes_);
  EXPECT_GT(reports.size(), files_of(database_).size()) << "one for each 4 MiB";
  EXPECT_TRUE(std::ranges::is_sorted(reports));
  EXPECT_EQ(reports.back(), all_bytes_);

  const auto again = warm(database_, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->progress.read_bytes, 0U) << "what is resident is not read again";
  EXPECT_EQ(again->progress.done_bytes, all_bytes_);
}

TEST_F(WarmTest, KeepsToItsBudgetIndexAndSequencesFirst) {
  constexpr std::uint64_t kBudget = 5 * kMiB;
  const auto warmed = warm(database_, {.budget_bytes = kBudget});
  ASSERT_TRUE(warmed);
  EXPECT_EQ(warmed->end, WarmEnd::budget_spent);
  EXPECT_EQ(warmed->progress.done_bytes, kBudget);
  EXPECT_GE(warmed->residency.resident_bytes, kBudget);
  const auto files = files_of(database_);
  ASSERT_THAT(files[1].path.string(), EndsWith("d.psq"));
  if (const auto headers = fincore("d.phr")) EXPECT_EQ(*headers, 0U) << "headers come behind";
  if (const auto sequences = fincore("d.psq")) EXPECT_LT(*sequences, all_bytes_ - kMiB);
}

TEST_F(WarmTest, ResidencyIsWhatFincoreSays) {
  if (!fincore("d.psq")) GTEST_SKIP() << "fincore (util-linux) is not installed";
  ASSERT_TRUE(warm(database_, {.budget_bytes = 6 * kMiB}));
  std::uint64_t pages = 0;
  for (const auto& file : files_of(database_)) pages += *fincore(file.path.c_str());
  EXPECT_GT(pages, 0U);
  // A file's last page is resident as a whole, but only its bytes in the file are counted here.
  const std::uint64_t slack = 4096 * files_of(database_).size();
  EXPECT_LE(resident(), pages);
  EXPECT_GE(resident() + slack, pages);
}

TEST_F(WarmTest, StopsWhenItIsTold) {
  std::stop_source stop;
  const auto warmed =
      warm(database_, {.stop = stop.get_token(), .progress = [&](const WarmProgress& progress) {
                         if (progress.done_bytes > 4 * kMiB) stop.request_stop();
                       }});
  ASSERT_TRUE(warmed);
  EXPECT_EQ(warmed->end, WarmEnd::stopped);
  EXPECT_LE(warmed->progress.done_bytes, 9 * kMiB);
  EXPECT_GE(warmed->residency.resident_bytes, warmed->progress.done_bytes) << "what was read stays";

  const auto late = warm(database_, {.deadline = Deadline::at(Instant::min())});
  ASSERT_TRUE(late);
  EXPECT_EQ(late->end, WarmEnd::deadline);
  EXPECT_EQ(late->progress.done_bytes, 0U);
}

TEST_F(WarmTest, AFileThatVanishesMeanwhileIsNamed) {
  const auto warmed =
      warm(database_, {.progress = [&](const WarmProgress&) { fs::remove(path() / "d.phr"); }});
  ASSERT_FALSE(warmed);
  EXPECT_EQ(warmed.error().code, Code::not_found);
  EXPECT_THAT(warmed.error().message, testing::StartsWith((path() / "d.phr").string() + ": "));
}

TEST_F(WarmTest, SaysWhenTheKernelDoesNotTell) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to look as another user";
  ASSERT_EQ(::chmod(path().c_str(), 0755), 0);
  for (const auto& file : files_of(database_)) ASSERT_EQ(::chmod(file.path.c_str(), 0644), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const auto told = residency(database_);
  const auto warmed = warm(database_, {});
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(told && warmed);
  EXPECT_EQ(told->unknown_bytes, all_bytes_);
  EXPECT_EQ(told->resident_bytes, 0U);
  EXPECT_EQ(warmed->progress.read_bytes, all_bytes_) << "so all of it is read";
  EXPECT_EQ(resident(), all_bytes_);
}

}  // namespace
}  // namespace loom::catalog
