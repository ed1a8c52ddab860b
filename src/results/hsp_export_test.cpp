#include "results/hsp_export.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/temp_dir.hpp"

namespace loom::results {
namespace {

constexpr std::string_view kRows =
    "q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\t=cmd()\tTT\n"
    "q1\t-s,2\t99.000\t20\t0\t0\t1\t20\t1\t20\t1e-30\t100\t@x\tG\"G\n"
    "q2\ts1\t9.000\t10\t0\t0\t1\t10\t20\t11\t2.0\t20.1\t=cmd()\tA\n";

class HspExportTest : public testing::Test {
 protected:
  void SetUp() override { index("6 std btop stitle", kRows); }
  void index(std::string_view outfmt, std::string_view text) {
    const auto format = blast::parse_outfmt(blast::Program::blastp, outfmt).value();
    const auto read = [text](std::span<char> into) mutable -> Result<std::size_t> {
      const std::size_t count = std::min(text.size(), into.size());
      text.copy(into.data(), count);
      text.remove_prefix(count);
      return count;
    };
    const auto path = folder_->path() / "hits";
    ASSERT_TRUE(build_index(path, Layout::of(format).value(), read));
    index_ = HitIndex::open(path).value();
  }
  std::string all(ExportRequest request) {
    const auto rows = HspExport::make(index_, std::move(request));
    if (!rows) return "! " + rows.error().message;
    std::string text;
    for (;;) {
      const auto more = (*rows)->next(Deadline::never());
      if (!more) return "! " + more.error().message;
      if (more->empty()) return text;
      text += *more;
    }
  }

  Result<TempDir> folder_ = TempDir::create();
  std::shared_ptr<HitIndex> index_;
};

TEST_F(HspExportTest, TsvIsWhatBlastPrints) {
  EXPECT_EQ(all({.columns = "std btop stitle"}), kRows);
  EXPECT_EQ(all({.columns = "evalue,saccver", .header = true, .rows = {.rows = {.query = 1}}}),
            "evalue\tsaccver\n2.0\ts1\n");
}

TEST_F(HspExportTest, CsvHasNoFormulas) {
  EXPECT_EQ(all({.format = ExportFormat::csv, .columns = "saccver btop stitle"}),
            "saccver,btop,stitle\r\ns1,'=cmd(),TT\r\n\"'-s,2\",'@x,\"G\"\"G\"\r\ns1,'=cmd(),A\r\n");
  EXPECT_EQ(csv_cell("-1"), "-1") << "a number is none";
  EXPECT_EQ(csv_cell("-1+cmd"), "'-1+cmd");
  EXPECT_EQ(csv_cell("\tx"), "'\tx");
}

TEST_F(HspExportTest, JsonLinesKeepTheDigits) {
  EXPECT_EQ(all({.format = ExportFormat::jsonl,
                 .columns = "qaccver evalue bitscore",
                 .rows = {.rows = {.query = 1}}}),
            "{\"qaccver\":\"q2\",\"evalue\":2.0,\"bitscore\":20.1}\n");
}

TEST_F(HspExportTest, OnlyWhatIsSelected) {
  EXPECT_EQ(all({.columns = "evalue saccver", .rows = {.hits = {2, 0}}}), "2.0\ts1\n1e-30\ts1\n");
  EXPECT_EQ(all({.columns = "evalue", .rows = {.rows = {.filter = Filter::parse("pident<10").value()}}}),
            "2.0\n");
  EXPECT_EQ(all({.columns = "evalue", .rows = {.hits = {3}}}),
            "! there is no hit 3; they are numbered from 0 to 2");
}

TEST_F(HspExportTest, FeaturesOfGff3AndBed) {
  EXPECT_EQ(
      all({.format = ExportFormat::gff3, .rows = {.rows = {.query = 1}}, .style = {.program = "blastn"}}),
      "##gff-version 3\ns1\tblastn\tnucleotide_match\t11\t20\t2.0\t-\t.\t"
      "ID=hsp2;Name=q2;Target=q2 1 10;bits=20.1;identity=9.000\n");
  EXPECT_EQ(all({.format = ExportFormat::bed,
                 .rows = {.hits = {1}},
                 .style = {.program = "blastp", .on_query = true}}),
            "q1\t0\t20\t-s,2\t100\t.\n");
  EXPECT_TRUE(
      all({.format = ExportFormat::sam, .style = {.program = "blastp"}}).starts_with("! format: sam is for"));
  EXPECT_EQ(all({.format = ExportFormat::sam}).substr(0, 9), "! format:") << "the index has no lengths";
}

TEST_F(HspExportTest, FeaturesNeedTheColumnsOfPlaces) {
  index("6 qaccver saccver evalue bitscore stitle", "q1\ts1\t1e-30\t105\tone\n");
  EXPECT_EQ(all({.format = ExportFormat::gff3}),
            "! format: gff3 needs the column qstart, which this result lacks");
  EXPECT_EQ(all({.format = ExportFormat::bed}),
            "! format: bed needs the column qstart, which this result lacks");
  EXPECT_EQ(all({.format = ExportFormat::sam}),
            "! format: sam needs the column slen, which this result lacks");
  index("6 qaccver saccver evalue bitscore qstart qend sstart", "q1\ts1\t1e-30\t105\t1\t5\t3\n");
  EXPECT_EQ(all({.format = ExportFormat::bed}),
            "! format: bed needs the column send, which this result lacks");
}

TEST_F(HspExportTest, SubjectsWithoutAnOrganismAreNotAvailableAsBlastPrintsThem) {
  constexpr std::string_view kNoName = "q1\ts1\t1e-30\t105\t0\tN/A\nq1\ts2\t1e-20\t90\t9606\tHomo sapiens\n";
  index("6 qaccver saccver evalue bitscore staxids ssciname", kNoName);
  EXPECT_EQ(all({.columns = "qaccver saccver evalue bitscore staxids ssciname"}), kNoName);
}

TEST_F(HspExportTest, NoMoreRowsThanAsked) {
  EXPECT_EQ(all({.columns = "evalue", .rows = {.most = 2}}), "1e-30\n1e-30\n");
  EXPECT_EQ(all({.columns = "evalue", .rows = {.rows = {.sort = Sort::pident}, .most = 1}}), "1e-30\n");
  EXPECT_EQ(all({.columns = "evalue", .rows = {.most = 0}}), "");
}

TEST_F(HspExportTest, OnlyTheVeryColumnIsAnswered) {
  for (const char* name : {"sseqid", "sacc", "qseqid", "salltitles", "staxid", "coverage", "ppos", "frames"})
    EXPECT_TRUE(
        all({.columns = name}).starts_with(fmt::format("! columns: '{}' is not in this result", name)));
  index("6 qseqid sseqid evalue bitscore positive length qframe sframe",
        "q1\ttr|s1|x\t1e-30\t105\t372\t640\t1\t-3\n");
  EXPECT_EQ(all({.columns = "sseqid ppos frames"}), "tr|s1|x\t58.13\t1/-3\n");
  EXPECT_TRUE(
      all({.columns = "saccver"}).starts_with("! columns: 'saccver' is not in this result; it has qseqid,"));
  index("6 qseqid sseqid pident length mismatch gapopen qstart qend sstart send evalue bitscore",
        "q1\ttr|s1|x\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\n");
  EXPECT_EQ(all({.header = true, .rows = {.most = 0}}).substr(0, 13), "qseqid\tsseqid");
  index("6 std sseqid", "q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\ttr|s1|x\n");
  EXPECT_EQ(all({.columns = "saccver sseqid"}), "s1\ttr|s1|x\n");
}

TEST_F(HspExportTest, UnknownColumnsAreNamed) {
  EXPECT_TRUE(
      all({.columns = "std qlen"}).starts_with("! columns: 'qlen' is not in this result; it has qaccver,"));
}

}  // namespace
}  // namespace loom::results
