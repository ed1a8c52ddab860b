#include "taxonomy/taxdb.hpp"

#include <gtest/gtest.h>

#include <map>

#include "exec/local/local_process_runner.hpp"
#include "taxonomy/taxonomy_under_test.hpp"

namespace loom::taxonomy {
namespace {

namespace fs = std::filesystem;

void append_number(std::string& out, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(value >> shift & 0xFFU);
}

/// Names as NCBI's taxdb has them; of taxid 7711 one text is missing.
const std::map<TaxId, std::string> kNames{{562, "Escherichia coli\tE. coli\tenterobacteria\tBacteria"},
                                          {7711, "Chordata\tchordates\tchordates"},
                                          {9606, "Homo sapiens\thuman\tprimates\tEukaryota"},
                                          {10090, "Mus musculus\thouse mouse\trodents\tEukaryota"}};

class TaxDbTest : public TaxonomyTest {
 protected:
  void SetUp() override {
    TaxonomyTest::SetUp();
    std::string index;
    std::string data;
    append_number(index, 0x8739);
    append_number(index, static_cast<std::uint32_t>(kNames.size()));
    for (int i = 0; i < 4; ++i) append_number(index, 0);
    for (const auto& [id, names] : kNames) {
      append_number(index, id);
      append_number(index, static_cast<std::uint32_t>(data.size()));
      data += names;
    }
    spit(bti(), index);
    spit(path() / "taxdb.btd", data);
  }
  [[nodiscard]] fs::path bti() const { return path() / "taxdb.bti"; }

  /// stdout of a program of BLAST+ that runs in path() and finds its databases there; nullopt without BLAST+.
  std::optional<std::string> run(std::vector<std::string> argv) {
    exec::LocalProcessRunner runner;
    exec::ProcessSpec spec;
    spec.argv = std::move(argv);
    spec.environment = {"BLASTDB=" + path().string()};
    spec.working_dir = path();
    spec.output = path() / "out";
    const auto ended = runner.run(spec, Deadline::never(), {});
    if (!ended) return std::nullopt;
    EXPECT_TRUE(ended->succeeded()) << ended->stderr_text;
    return slurp(path() / "out");
  }
};

TEST_F(TaxDbTest, GivesTheNames) {
  const auto db = TaxDb::open(bti());
  ASSERT_TRUE(db) << db.error().message;
  EXPECT_EQ(db->size(), 4U);
  const auto human = db->find(9606);
  ASSERT_TRUE(human);
  EXPECT_EQ(human->scientific, "Homo sapiens");
  EXPECT_EQ(human->common, "human");
  EXPECT_EQ(human->blast, "primates");
  EXPECT_EQ(human->kingdom, "Eukaryota");
  EXPECT_EQ(db->find(562)->kingdom, "Bacteria") << "the first";
  EXPECT_EQ(db->find(10090)->common, "house mouse") << "the last ends with the file";
  for (const TaxId absent : {0U, 1U, 561U, 9605U, 10091U, 4'000'000'000U})
    EXPECT_FALSE(db->find(absent)) << absent;
  EXPECT_FALSE(db->find(7711)) << "a text is missing";
}

TEST_F(TaxDbTest, BlastReadsTheSame) {
  spit(path() / "d.fa", ">a\nMKVLAA\n>b\nMKVLAC\n>c\nMKVLAD\n>d\nMKVLAE\n>e\nMKVLAF\n");
  spit(path() / "map", "a 9606\nb 562\nc 10090\nd 7711\ne 9598\n");
  if (!run({"makeblastdb", "-in", "d.fa", "-dbtype", "prot", "-parse_seqids", "-taxid_map", "map", "-out",
            "d"}))
    GTEST_SKIP() << "BLAST+ (makeblastdb) is not installed";
  const auto said = run({"blastdbcmd", "-db", "d", "-entry", "all", "-outfmt", "%T|%S|%L|%B|%K"});
  ASSERT_TRUE(said);
  const auto db = TaxDb::open(bti());
  ASSERT_TRUE(db);
  std::string ours;
  for (const TaxId id : {9606U, 562U, 10090U, 7711U, 9598U}) {
    const TaxDbNames names = db->find(id).value_or(
        TaxDbNames{.scientific = "N/A", .common = "N/A", .blast = "N/A", .kingdom = "N/A"});
    ours += fmt::format("{}|{}|{}|{}|{}\n", id, names.scientific, names.common, names.blast, names.kingdom);
  }
  EXPECT_EQ(ours, *said);
}

TEST_F(TaxDbTest, BrokenFilesAreRefused) {
  const std::string index = slurp(bti());
  const auto refused = [&](const std::string& bytes) {
    spit(bti(), bytes);
    const auto db = TaxDb::open(bti());
    return !db && db.error().code == Code::corrupt;
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(index.substr(0, 24)));
  EXPECT_TRUE(refused(index.substr(0, index.size() - 8))) << "one taxid less than it says";
  EXPECT_TRUE(refused("x" + index.substr(1)));
  fs::remove(bti());
  const auto absent = TaxDb::open(bti());
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::not_found);
}

TEST_F(TaxDbTest, OffsetsBeyondTheNamesAreNoNames) {
  fs::resize_file(path() / "taxdb.btd", 60);
  const auto db = TaxDb::open(bti());
  ASSERT_TRUE(db);
  EXPECT_TRUE(db->find(562));
  EXPECT_FALSE(db->find(9606));
  EXPECT_FALSE(db->find(10090));
}

}  // namespace
}  // namespace loom::taxonomy
