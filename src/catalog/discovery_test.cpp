#include "catalog/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "catalog/blast_under_test.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class DiscoveryTest : public testing::Test {
 protected:
  void SetUp() override {
    LOOM_NEEDS_BLAST();
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    folder_.emplace(*std::move(made));
    make_database(path(), "a", Molecule::protein, ">x\nMKTAYIAKQR\n");
    make_database(path(), "b", Molecule::protein, ">x\nMKTAYIAKQR\n>y\nMKV\n");
    make_database(path(), "n", Molecule::nucleotide, ">x\nACGTACGTACGT\n");
    spit(path() / "both.pal", "TITLE both\nDBLIST a b\n");
  }
  [[nodiscard]] const fs::path& path() const { return folder_->path(); }
  std::vector<std::string> scan() {
    std::vector<std::string> names;
    for (const Discovered& one : discovery_.scan({{path()}})) names.push_back(one.name);
    return names;
  }
  [[nodiscard]] std::uint64_t sequences(const std::string& name) {
    for (const Discovered& one : discovery_.scan({{path()}}))
      if (one.name == name) return one.shown.sequences;
    return 0;
  }

  Discovery discovery_;

 private:
  std::optional<TempDir> folder_;
};

TEST_F(DiscoveryTest, OpensOnlyWhatChanged) {
  EXPECT_THAT(scan(), ElementsAre("a", "b", "both", "n"));
  EXPECT_EQ(discovery_.opened(), 4U);
  EXPECT_THAT(scan(), ElementsAre("a", "b", "both", "n"));
  EXPECT_EQ(discovery_.opened(), 0U);
  make_database(path(), "b", Molecule::protein, ">x\nMKTAYIAKQR\n>y\nMKV\n>z\nMKV\n");
  EXPECT_EQ(sequences("both"), 4U) << "a volume of an alias changed";
  EXPECT_EQ(discovery_.opened(), 2U) << "b and both";
  EXPECT_EQ(sequences("b"), 3U);
  EXPECT_EQ(discovery_.opened(), 0U);
}

TEST_F(DiscoveryTest, KnowsBothFormatsSeveralVolumesAndAliasesOverThem) {
  std::string many;
  for (int i = 0; i < 60; ++i) many += fmt::format(">s{}\n{}\n", i, std::string(10'000, 'M'));
  make_database(path(), "vols", Molecule::protein, many, {"-max_file_sz", "300000", "-parse_seqids"});
  make_database(path(), "old", Molecule::protein, many, {"-max_file_sz", "300000", "-blastdb_version", "4"});
  ASSERT_TRUE(fs::exists(path() / "vols.01.pin"));
  ASSERT_TRUE(fs::exists(path() / "old.01.pin"));
  spit(path() / "all.pal", "TITLE all\nDBLIST vols a\n");
  EXPECT_THAT(scan(), ElementsAre("a", "all", "b", "both", "n", "old", "vols")) << "volumes are not listed";
  EXPECT_EQ(sequences("vols"), 60U);
  EXPECT_EQ(sequences("old"), 60U);
  EXPECT_EQ(sequences("all"), 61U);
  for (const Discovered& one : discovery_.scan({{path()}}))
    EXPECT_EQ(one.version, one.name == "old" ? 4U : 5U) << one.name;
}

TEST_F(DiscoveryTest, FollowsAliasesThatLeadToAliases) {
  spit(path() / "outer.pal", "DBLIST both\n");
  EXPECT_EQ(sequences("outer"), 3U);
  spit(path() / "both.pal", "TITLE both\nDBLIST a\n");
  EXPECT_EQ(sequences("outer"), 1U);
}

TEST_F(DiscoveryTest, SeesWhatComesAndGoes) {
  EXPECT_EQ(scan().size(), 4U);
  for (const char* ending : {".pin", ".phr", ".psq"}) fs::remove(path() / (std::string("a") + ending));
  EXPECT_THAT(scan(), ElementsAre("b", "n")) << "both cannot be opened without a";
  make_database(path(), "a", Molecule::protein, ">x\nMKTAYIAKQR\n");
  EXPECT_THAT(scan(), ElementsAre("a", "b", "both", "n")) << "nothing of both.pal changed";
}

TEST_F(DiscoveryTest, ABrokenDatabaseIsNotListedUntilItIsMended) {
  const std::string whole = slurp(path() / "a.pin");
  spit(path() / "a.pin", whole.substr(0, 20));
  EXPECT_THAT(scan(), ElementsAre("b", "n"));
  spit(path() / "a.pin", whole);
  EXPECT_THAT(scan(), ElementsAre("a", "b", "both", "n"));
}

TEST_F(DiscoveryTest, TheFirstFolderWins) {
  const fs::path other = path() / "other";
  fs::create_directory(other);
  make_database(other, "a", Molecule::protein, ">x\nMKV\n>y\nMKV\n");
  const auto& found = discovery_.scan({{other, path()}});
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].shown.sequences, 2U);
}

}  // namespace
}  // namespace loom::catalog
