#include "catalog/database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.hpp"
#include "catalog/blast_under_test.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Databases a, b (halves, named against their order), w (all, volumes), o (old format), n (nucleotides).
class OpenDatabase : public testing::Test {
 protected:
  void SetUp() override {
    LOOM_NEEDS_BLAST();
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    folder_.emplace(*std::move(made));
    const auto all = related_sequences(Molecule::protein, 8, 12);
    make_database(path(), "b", Molecule::protein, as_fasta(all, 0, 40));
    make_database(path(), "a", Molecule::protein, as_fasta(all, 40, 96), {"-parse_seqids"});
    make_database(path(), "w", Molecule::protein, as_fasta(all, 0, 96), {"-max_file_sz", "9000"});
    make_database(path(), "o", Molecule::protein, as_fasta(all, 0, 96),
                  {"-blastdb_version", "4", "-parse_seqids"});
    const auto genes = related_sequences(Molecule::nucleotide, 4, 5);
    make_database(path(), "n", Molecule::nucleotide, as_fasta(genes, 0, genes.size()));
  }
  [[nodiscard]] const fs::path& path() const { return folder_->path(); }
  [[nodiscard]] Result<Database> open(std::string_view names, Molecule molecule = Molecule::protein) const {
    return open_database(names, molecule, only(path()));
  }

 private:
  std::optional<TempDir> folder_;
};

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

/// What blastdbcmd -info prints for it.
std::string info_of(const Database& database) {
  const bool protein = database.molecule == Molecule::protein;
  std::string text = fmt::format(
      "Database: {}\n\t{} sequences; {} total {}\n\nDate: {}\tLongest sequence: {} {}\n\nBLASTDB Version: "
      "{}\n\nVolumes:\n",
      database.title, with_commas(database.shown.sequences), with_commas(database.shown.letters),
      protein ? "residues" : "bases", database.date, with_commas(database.longest),
      protein ? "residues" : "bases", database.version);
  for (const auto& volume : database.volumes) text += "\t" + volume.base.string() + "\n";
  return text;
}

TEST_F(OpenDatabase, SaysWhatBlastdbcmdSays) {
  spit(path() / "both.pal", "TITLE both halves\nDBLIST b a\n");
  spit(path() / "untitled.pal", "DBLIST b \"a\"\n");
  spit(path() / "stated.pal", "DBLIST b\nNSEQ 7\nLENGTH 700\n");
  for (const auto* names :
       {"a", "b", "w", "o", "b a", "a b", "a a", "both", "untitled", "stated", "both w"}) {
    const auto database = open(names);
    ASSERT_TRUE(database) << database.error().message;
    const ProgramRun info = run(path(), {"blastdbcmd", "-db", names, "-dbtype", "prot", "-info"});
    ASSERT_EQ(info.exit_code, 0) << info.err;
    EXPECT_EQ(info_of(*database), info.out) << names;
  }
  const auto genes = open("n", Molecule::nucleotide);
  ASSERT_TRUE(genes) << genes.error().message;
  EXPECT_EQ(info_of(*genes), run(path(), {"blastdbcmd", "-db", "n", "-info"}).out);
}

TEST_F(OpenDatabase, KnowsItsPartsVolumesAndIds) {
  const auto two = open("b a");
  ASSERT_TRUE(two) << two.error().message;
  ASSERT_EQ(two->parts.size(), 2U);
  EXPECT_EQ(two->parts[0].title, "title of b");
  EXPECT_EQ(two->parts[0].shown.sequences, 40U);
  EXPECT_EQ(two->parts[1].shown.sequences, 56U);
  EXPECT_EQ(two->volumes[0].base.filename(), "a") << "OIDs follow the file names";
  EXPECT_EQ(two->volumes[1].first_oid, 56U);
  EXPECT_FALSE(two->has_ids);
  EXPECT_TRUE(open("a")->has_ids);
  EXPECT_TRUE(open("o")->has_ids);
  EXPECT_FALSE(open("a")->profiles);
  spit(path() / "a.rps", "");
  EXPECT_TRUE(open("a")->profiles);
  EXPECT_FALSE(open("b a")->profiles) << "b has none";
  std::filesystem::remove(path() / "a.rps");
  EXPECT_GT(open("w")->volumes.size(), 1U);
  EXPECT_EQ(open("w")->letters_before(96), open("w")->letters);
}

TEST_F(OpenDatabase, CountsAsStatedInAliases) {
  spit(path() / "s.pal", "DBLIST b\nSTATS_NSEQ 1000\n");
  const auto stated = open("s a");
  ASSERT_TRUE(stated) << stated.error().message;
  EXPECT_EQ(stated->shown.sequences, 96U);
  EXPECT_EQ(stated->statistics.sequences, 1000U) << "BLAST+ takes it though 'a' states none";
  EXPECT_EQ(stated->statistics.letters, stated->shown.letters);
  EXPECT_EQ(stated->unshardable, "");
}

TEST_F(OpenDatabase, AVolumeInTheWorkingFolderGoesFirst) {
  const fs::path there = path() / "there";
  fs::create_directory(there);
  make_database(there, "b", Molecule::protein, ">x\nMKTAYIAKQRQISFVKSHFSRQ\n");
  spit(there / "al.pal", "DBLIST b\n");
  const auto database = open((there / "al").string());
  ASSERT_TRUE(database) << database.error().message;
  EXPECT_EQ(database->sequences, 40U);
  EXPECT_EQ(info_of(*database), run(path(), {"blastdbcmd", "-db", there / "al", "-info"}).out);
}

TEST_F(OpenDatabase, SelectingAliasesCannotBeSharded) {
  spit(path() / "some.pal", "DBLIST a\nSEQIDLIST x.ids\n");
  const auto some = open("b some");
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_THAT(some->unshardable, HasSubstr("some.pal has SEQIDLIST"));
}

TEST_F(OpenDatabase, ErrorsNameThePlaceAndTheWayOut) {
  spit(path() / "ring1.pal", "DBLIST ring2\n");
  spit(path() / "ring2.pal", "DBLIST ring1\n");
  spit(path() / "empty.pal", "TITLE x\n");
  spit(path() / "lost.pal", "DBLIST gone\n");
  spit(path() / "cut.pin", slurp(path() / "w.00.pin").substr(0, 90));
  const struct {
    const char* names;
    Code code;
    const char* message;
  } cases[]{{"", Code::invalid_argument, "-db names no database"},
            {"swissprot", Code::not_found, "no protein database 'swissprot' in "},
            {"both2 ", Code::not_found, "set BLASTDB"},
            {"w.01x", Code::not_found, "did you mean 'w.01'?"},
            {"n", Code::invalid_argument,
             "the database 'n' holds nucleotide sequences; this program searches protein"},
            {"ring1", Code::corrupt, "alias files name each other"},
            {"empty", Code::corrupt, "no DBLIST"},
            {"lost", Code::not_found, "names the database 'gone'"},
            {"a o", Code::invalid_argument, "formats 4 and 5"},
            {"cut", Code::corrupt, "cut.pin: the index has 90 bytes"}};
  for (const auto& one : cases) {
    const auto database = open(one.names);
    ASSERT_FALSE(database) << one.names;
    EXPECT_EQ(database.error().code, one.code) << one.names << ": " << database.error().message;
    EXPECT_THAT(database.error().message, HasSubstr(one.message));
  }
}

/// The search path that BLAST+ names when a database is missing.
std::string path_of_blast(const fs::path& folder) {
  const ProgramRun failed = run(folder, {"blastdbcmd", "-db", "no-such-database", "-info"});
  const std::string text = failed.out + failed.err;
  const auto start = text.find("path [");
  return start == std::string::npos ? text : text.substr(start + 6, text.rfind(']') - start - 6);
}

TEST(SearchPath, IsThatOfBlast) {
  LOOM_NEEDS_BLAST();
  const auto home = TempDir::create();
  ASSERT_TRUE(home);
  spit(home->path() / ".ncbirc", "[BLAST]\nBLASTDB=/from/file:/second\n");
  const char* old_home = std::getenv("HOME");
  const std::string kept = old_home == nullptr ? "" : old_home;
  ::setenv("HOME", home->path().c_str(), 1);
  ::setenv("BLASTDB", "/from/env:/other", 1);
  const auto ours = SearchPath::from_environment();
  const std::string theirs = path_of_blast(fs::current_path());
  ::setenv("HOME", kept.c_str(), 1);
  ::unsetenv("BLASTDB");
  std::string joined;
  for (const auto& folder : ours.folders) joined += folder.string() + ":";
  EXPECT_EQ(joined, theirs);
}

}  // namespace
}  // namespace loom::catalog
