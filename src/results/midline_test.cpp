#include "results/midline.hpp"

#include <gtest/gtest.h>

namespace loom::results {
namespace {

TEST(Midline, OfNucleotidesMarksWhatIsTheSame) {
  EXPECT_EQ(midline("ACG-TN", "AGGATN", ""), "| | ||");
}

TEST(Midline, OfProteinsMarksWhatScores) {
  // From a report of BLAST+ 2.12 (blastp, BLOSUM62).
  EXPECT_EQ(midline("MLVQEWPKWLDMYLELHRSELSEYDVAVIKNLAEGALVTVRSILQGQVDEGSVLEVYVLN",
                    "LLSNGWPRSLSIWMEVN-SVCQKFDVAVRLSYSKEIQMNVLLPSLDGIERGAGATVVNLR", "BLOSUM62"),
            "+L   WP+ L +++E++ S   ++DVAV  + ++   + V       ++ G+   V  L ");
  EXPECT_EQ(midline("NF", "DL", "PAM30"), "+ ");
  EXPECT_EQ(midline("*U", "*C", "BLOSUM62"), "* ");
}

TEST(Segments, EndWhereGapsAre) {
  const auto runs = segments("AC-GT", "ACAG-", {3, 6}, {20, 17});
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].qstart, 3);
  EXPECT_EQ(runs[0].qend, 4);
  EXPECT_EQ(runs[0].sstart, 20);
  EXPECT_EQ(runs[0].send, 19);
  EXPECT_EQ(runs[1].column, 3);
  EXPECT_EQ(runs[1].qstart, 5);
  EXPECT_EQ(runs[1].sstart, 17);
  EXPECT_EQ(runs[1].send, 17);
}

TEST(Segments, OfATranslatedSequenceHaveThreeLettersAColumn) {
  const auto runs = segments("M-KV", "MAKV", {9, 1}, {1, 4});
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].qstart, 9);
  EXPECT_EQ(runs[0].qend, 7);
  EXPECT_EQ(runs[1].qstart, 6);
  EXPECT_EQ(runs[1].qend, 1);
  EXPECT_EQ(runs[1].sstart, 3);
}

}  // namespace
}  // namespace loom::results
