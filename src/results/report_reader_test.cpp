#include "results/report_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace loom::results {
namespace {

// As BLAST+ 2.12 prints it (tblastx, shortened).
constexpr std::string_view kReport = R"(TBLASTX 2.12.0+


Query= contig_1 with a title that
> goes on

Length=1500
                                                                      Score        E
Sequences producing significant alignments:                          (Bits)     Value

ecoli_0871 4350001-4355000 of gi|110640213                            55.6       2e-13


>ecoli_0871 4350001-4355000 of gi|110640213|ref|NC_008253.1| Escherichia 
Length=12 coli 536
Length=5000

 Score = 55.6 bits (115),  Expect(2) = 2e-13
 Identities = 22/61 (36%), Positives = 38/61 (62%), Gaps = 0/61 (0%)
 Frame = -3/+2

Query  1498  GKEVTVEDLMK  1466
             G++++++ L +
Sbjct  3263  GRDISLDALER  3295

Query        -----
                  
Sbjct  3296  AAAAA  3310

Query  1465  EV  1460
             EV
Sbjct  3311  EV  3316


 Score = 30.0 bits (60),  Expect = 1.2
 Identities = 1/1 (100%), Positives = 1/1 (100%), Gaps = 0/1 (0%)
 Frame = +1/+2

Query  1  G  3
          G
Sbjct  5  G  7



Lambda      K        H
   0.318    0.134    0.401 

Query= nothing

Length=10


***** No hits found *****



Lambda      K        H
   0.318    0.134    0.401 
)";

std::vector<ReportHsp> read(std::string_view text, std::size_t piece) {
  std::vector<ReportHsp> all;
  ReportReader reader([&all](ReportHsp& hsp) {
    all.push_back(hsp);
    return ok();
  });
  for (std::size_t at = 0; at < text.size(); at += piece) EXPECT_TRUE(reader.push(text.substr(at, piece)));
  EXPECT_TRUE(reader.finish());
  return all;
}

TEST(ReportReader, GivesEachHspWithItsPlaces) {
  const auto all = read(kReport, 1000);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].query, 0U);
  EXPECT_EQ(all[0].name, "ecoli_0871");
  EXPECT_EQ(all[0].score, 115);
  EXPECT_EQ(all[0].qstart, 1498);
  EXPECT_EQ(all[0].qend, 1460);
  EXPECT_EQ(all[0].sstart, 3263);
  EXPECT_EQ(all[0].send, 3316);
  EXPECT_TRUE(all[0].text.subject.starts_with(">ecoli_0871 4350001"));
  EXPECT_TRUE(all[0].text.subject.ends_with("\nLength=12 coli 536\nLength=5000\n"));
  EXPECT_TRUE(all[0].text.text.starts_with(" Score = 55.6 bits (115),  Expect(2) = 2e-13\n Identities"));
  EXPECT_TRUE(all[0].text.text.ends_with("\nSbjct  3311  EV  3316\n"));
  EXPECT_TRUE(all[1].text.text.ends_with("\nSbjct  5  G  7\n"));
}

TEST(ReportReader, ReadsAnyPiecesAlike) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    const auto all = read(kReport, piece);
    ASSERT_EQ(all.size(), 2U) << piece;
    EXPECT_EQ(all[0].text.text, read(kReport, 10'000)[0].text.text);
  }
}

}  // namespace
}  // namespace loom::results
