#include "results/features.hpp"

#include <gtest/gtest.h>

namespace loom::results {
namespace {

HspRow row_of(std::int64_t sstart, std::int64_t send) {
  HspRow row;
  row.query.name = "read 1";
  row.query.length = 12;
  row.query.title = "read 1; a=b, 50%";
  row.subject.name = "chr;1";
  row.subject.length = 100;
  row.hsp.id = 4;
  row.hsp.evalue = "1e-9";
  row.hsp.bitscore = "1.2e+04";
  row.hsp.pident = "80.0";
  row.hsp.qstart = 3;
  row.hsp.qend = 8;
  row.hsp.sstart = sstart;
  row.hsp.send = send;
  row.hsp.qframe = 1;
  row.hsp.sframe = sstart < send ? 1 : -1;
  row.hsp.mismatch = 1;
  row.hsp.gaps = 2;
  row.hsp.qseq = "ACC-GTT";
  row.hsp.sseq = "AC-AGTA";
  return row;
}

TEST(Features, EscapeWhatHasAMeaningInGff3) {
  std::string out;
  write_gff3(row_of(20, 25), {.program = "blastn"}, out);
  EXPECT_EQ(out,
            "chr%3B1\tblastn\tnucleotide_match\t20\t25\t1e-9\t+\t.\tID=hsp4;Name=read 1;Target=read%201 3 8;"
            "bits=1.2e+04;identity=80.0;Note=read 1%3B a%3Db%2C 50%25\n");
}

TEST(Features, OfGff3TellAScoreOnlyWhereThereIsOne) {
  std::string out;
  HspRow row = row_of(20, 25);
  write_gff3(row, {.program = "blastn"}, out);
  EXPECT_EQ(out.find("score="), std::string::npos) << out;
  row.hsp.score = 42;
  write_gff3(row, {.program = "blastn"}, out);
  EXPECT_NE(out.find(";bits=1.2e+04;score=42;identity=80.0"), std::string::npos) << out;
}

TEST(Features, OfGff3EscapeAllBytesOfUtf8InSeqidsOnly) {
  std::string out;
  HspRow row = row_of(20, 25);
  row.subject.name = "chr\u00e9|1";
  row.query.name = "caf\u00e9";
  row.query.title = "caf\u00e9 noir";
  write_gff3(row, {.program = "blastn"}, out);
  EXPECT_TRUE(out.starts_with("chr%C3%A9|1\t")) << out;
  EXPECT_NE(out.find(";Name=caf\u00e9;Target=caf%C3%A9 3 8;"), std::string::npos) << out;
  EXPECT_NE(out.find(";Note=caf\u00e9 noir\n"), std::string::npos) << out;
}

TEST(Features, OfBedCountFromZeroAndHaveAScoreOfAtMostAThousand) {
  std::string out;
  write_bed(row_of(25, 20), {.program = "blastn"}, out);
  EXPECT_EQ(out, "chr;1\t19\t25\tread_1\t1000\t-\n");
}

TEST(SamRows, OfTheMinusStrandAreTurnedRound) {
  SamRows sam;
  std::string out;
  ASSERT_TRUE(sam.write_subject(row_of(20, 25), out));
  ASSERT_TRUE(sam.write_subject(row_of(20, 25), out));
  EXPECT_EQ(out, "@SQ\tSN:chr;1\tLN:100\n") << "once";
  out.clear();
  ASSERT_TRUE(sam.write(row_of(20, 25), out));
  EXPECT_EQ(out,
            "read_1\t0\tchr;1\t20\t255\t2H2M1I1D3M4H\t*\t0\t0\tACCGTT\t*\tEV:f:1e-9\tNM:i:3\tPI:f:80.0\tBS:f:"
            "1.2e+04\n");
  out.clear();
  ASSERT_TRUE(sam.write(row_of(25, 20), out));
  EXPECT_TRUE(out.starts_with("read_1\t272\tchr;1\t20\t255\t4H3M1D1I2M2H\t*\t0\t0\tAACGGT\t*")) << out;
}

TEST(SamRows, NeedWhatSamNeeds) {
  SamRows sam;
  std::string out;
  HspRow row = row_of(20, 25);
  row.subject.length.reset();
  EXPECT_FALSE(sam.write_subject(row, out));
  row.hsp.qseq.clear();
  EXPECT_FALSE(sam.write(row, out));
}

}  // namespace
}  // namespace loom::results
