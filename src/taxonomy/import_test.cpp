#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/local/local_process_runner.hpp"
#include "taxonomy/taxonomy_under_test.hpp"

namespace loom::taxonomy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ImportTest : public TaxonomyTest {
 protected:
  /// The error of importing the dump in path(), "imported" without one.
  [[nodiscard]] std::string refusal() const {
    const auto size = import_taxdump(path(), target());
    return size ? "imported" : fmt::format("{}: {}", loom::name(size.error().code), size.error().message);
  }
};

TEST_F(ImportTest, CountsWhatItTook) {
  const auto size = import_taxdump(excerpt(), target());
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_EQ(size->nodes, 43U);
  EXPECT_EQ(size->names, 63U) << "67 less authorities, type material and in-part";
  EXPECT_EQ(size->merged, 1U);
  EXPECT_EQ(size->deleted, 2U);
}

TEST_F(ImportTest, ArchivesAndFoldersGiveTheSame) {
  ASSERT_TRUE(import_taxdump(excerpt(), target()));
  const std::string of_folder = slurp(target());
  exec::LocalProcessRunner runner;
  for (const char* how : {"-czf", "-cf", "-cjf"}) {
    const fs::path archive = path() / "taxdump.tar";
    exec::ProcessSpec spec;
    spec.argv = {"tar", how, archive, "-C", excerpt().parent_path(), "excerpt"};
    const auto packed = runner.run(spec, Deadline::never(), {});
    ASSERT_TRUE(packed && packed->succeeded()) << how;
    const auto size = import_taxdump(archive, path() / "of_archive");
    ASSERT_TRUE(size) << how << size.error().message;
    EXPECT_EQ(slurp(path() / "of_archive"), of_folder) << how;
  }
}

TEST_F(ImportTest, ACutArchiveIsRefusedAndLeavesTheOldFile) {
  exec::LocalProcessRunner runner;
  const fs::path archive = path() / "taxdump.tar.gz";
  exec::ProcessSpec spec;
  spec.argv = {"tar", "-czf", archive, "-C", excerpt(), "nodes.dmp", "names.dmp"};
  ASSERT_TRUE(runner.run(spec, Deadline::never(), {}));
  spit(target(), "the old one");
  const std::string whole = slurp(archive);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{15}, whole.size() / 2, whole.size() - 20}) {
    spit(archive, whole.substr(0, bytes));
    EXPECT_FALSE(import_taxdump(archive, target())) << bytes;
    EXPECT_EQ(slurp(target()), "the old one");
  }
}

TEST_F(ImportTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(refusal(), HasSubstr("has no nodes.dmp; name the folder or the archive of an NCBI taxdump"));
  spit(path() / "nodes.dmp", node_row(1, 1));
  EXPECT_THAT(refusal(), HasSubstr("not_found: " + path().string() + ": has no names.dmp"));
  spit(path() / "names.dmp", name_row(1, "root"));
  EXPECT_EQ(refusal(), "imported") << "merged.dmp and delnodes.dmp may be missing";
  EXPECT_THAT(import_taxdump(path() / "none", target()).error().message, HasSubstr("none: does not exist"));
}

TEST_F(ImportTest, TreesThatAreNoneAreRefused) {
  const struct {
    std::string nodes;
    const char* message;
  } cases[]{{node_row(1, 1) + node_row(2, 3) + node_row(3, 4) + node_row(4, 2) + node_row(5, 4),
             "lead back to it, not to the root"},
            {node_row(1, 1) + node_row(2, 7), "taxid 2 has the parent 7, which is not there"},
            {node_row(1, 1) + node_row(2, 2), "has two roots, 1 and 2"},
            {node_row(1, 2) + node_row(2, 1), "has no root"},
            {"", "has no root"},
            {node_row(1, 1) + node_row(2, 1) + node_row(2, 1), "taxid 2 stands there twice"},
            {node_row(1, 1) + "2\t|\tx\t|\tspecies\t|\n", "nodes.dmp: line 2: 'x' is no taxid"},
            {node_row(1, 1) + "-2\t|\t1\t|\tspecies\t|\n", "'-2' is no taxid"},
            {node_row(1, 1) + "2147483648\t|\t1\t|\tspecies\t|\n", "'2147483648' is no taxid"},
            {node_row(1, 1) + "2\t|\t1\t|\n", "line 2: the row has fewer than 3 fields"},
            {node_row(1, 1) + std::string(70'000, 'x'), "nodes.dmp: line 2 has more than 65536 bytes"}};
  for (const auto& one : cases) {
    std::string names;
    for (TaxId id = 1; id < 6; ++id) names += name_row(id, "n");
    write_dump(one.nodes, names);
    EXPECT_THAT(refusal(), HasSubstr(one.message));
    EXPECT_FALSE(fs::exists(target())) << one.message;
  }
}

TEST_F(ImportTest, TheCircleIsNamedByOneOfItsMembers) {
  write_dump(node_row(1, 1) + node_row(2, 30) + node_row(30, 40) + node_row(40, 50) + node_row(50, 30),
             name_row(1, "root"));
  EXPECT_THAT(refusal(), testing::ContainsRegex("the parents of taxid [345]0 lead back"));
}

TEST_F(ImportTest, NamesAndMergedIdsMustLeadToNodes) {
  write_dump(node_row(1, 1) + node_row(2, 1), name_row(1, "root") + name_row(2, "two", "synonym"));
  EXPECT_THAT(refusal(), HasSubstr("names.dmp: has no scientific name of taxid 2"));
  write_dump(node_row(1, 1), name_row(1, "root") + name_row(3, "three"));
  EXPECT_THAT(refusal(), HasSubstr("names.dmp: names the taxid 3, which is not in nodes.dmp"));
  write_dump(node_row(1, 1), name_row(1, ""));
  EXPECT_THAT(refusal(), HasSubstr("names.dmp: line 1: taxid 1 has a name of 0 bytes"));
  write_dump(node_row(1, 1), name_row(1, "root"));
  spit(path() / "merged.dmp", "7\t|\t8\t|\n");
  EXPECT_THAT(refusal(), HasSubstr("merged.dmp: taxid 7 was merged into 8, which is not in nodes.dmp"));
  spit(path() / "merged.dmp", "7\t|\t1\t|\n7\t|\t1\t|\n");
  EXPECT_THAT(refusal(), HasSubstr("merged.dmp: taxid 7 stands there twice"));
}

TEST_F(ImportTest, LineEndsOfWindowsAndAMissingLastOneAreTaken) {
  write_dump("1\t|\t1\t|\tno rank\t|\r\n2\t|\t1\t|\tspecies\t|",
             name_row(1, "root") + "\n" + name_row(2, "two"));
  const auto taxonomy = imported(path());
  ASSERT_TRUE(taxonomy);
  EXPECT_EQ(taxonomy->find(2)->rank, "species");
}

TEST_F(ImportTest, StopsWhenItIsTold) {
  std::stop_source stop;
  stop.request_stop();
  const auto size = import_taxdump(excerpt(), target(), stop.get_token());
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code, Code::cancelled);
  EXPECT_FALSE(fs::exists(target()));
}

TEST(DumpParser, PiecesOfAnySizeGiveTheSame) {
  const std::string nodes = slurp(excerpt() / "nodes.dmp");
  const std::string names = slurp(excerpt() / "names.dmp");
  const auto image_of = [&](std::size_t piece) {
    DumpParser parser;
    for (std::size_t at = 0; at < std::max(nodes.size(), names.size()); at += piece) {
      if (at < nodes.size())
        EXPECT_TRUE(parser.add(DumpFile::nodes, std::string_view(nodes).substr(at, piece)));
      if (at < names.size())
        EXPECT_TRUE(parser.add(DumpFile::names, std::string_view(names).substr(at, piece)));
    }
    EXPECT_TRUE(parser.end(DumpFile::nodes) && parser.end(DumpFile::names));
    std::string image;
    EXPECT_TRUE(write_image(std::move(parser).take(), [&](std::span<const std::byte> bytes) {
      for (const std::byte byte : bytes) image += static_cast<char>(byte);
      return ok();
    }));
    return image;
  };
  const std::string whole = image_of(1'000'000);
  EXPECT_FALSE(whole.empty());
  for (const std::size_t piece : {1U, 2U, 7U, 64U}) EXPECT_EQ(image_of(piece), whole) << piece;
}

}  // namespace
}  // namespace loom::taxonomy
