#include "sequence/fingerprint.hpp"

#include <gtest/gtest.h>

#include <string>

namespace loom::sequence {
namespace {

Fingerprint protein(std::string_view raw, LetterCase letter_case = LetterCase::ignored) {
  return fingerprint(raw, Alphabet::protein, letter_case);
}

TEST(Fingerprint, SeesOnlyTheLettersThatBlastKeeps) {
  const Fingerprint plain = protein(">q1 title\nMKVLA\n");
  EXPECT_EQ(protein(">other\r\nMK\r\nVLA"), plain);
  EXPECT_EQ(protein("; c\n>q\n 1 MK-V 5\n#x\nLA;rest\n\n"), plain);
  EXPECT_EQ(protein(">q\nmkvla\n"), plain);
  EXPECT_NE(protein(">q\nMKVL\n"), plain);
  EXPECT_NE(protein(">q\nMKVLA*\n"), plain);
}

TEST(Fingerprint, CaseCountsOnlyWhenKept) {
  EXPECT_NE(protein(">q\nMKvla\n", LetterCase::kept), protein(">q\nMKVLA\n", LetterCase::kept));
  EXPECT_EQ(protein(">q\nMKvla\n", LetterCase::kept), protein(">q\nM\nKvla\n", LetterCase::kept));
}

TEST(Fingerprint, TheAlphabetDecidesWhatIsALetter) {
  const auto dna = [](std::string_view raw) {
    return fingerprint(raw, Alphabet::nucleotide, LetterCase::ignored);
  };
  EXPECT_EQ(dna(">q\nACELGT\n"), dna(">q\nACGT\n"));
  EXPECT_NE(dna(">q\nACGU\n"), dna(">q\nACGT\n"));
  EXPECT_NE(dna(">q\nAC\n>?10\nGT\n"), dna(">q\nAC\n>?20\nGT\n"));
}

TEST(Fingerprint, LongSequencesCountToTheLastLetter) {
  std::string one(100'000, 'A');
  std::string two = one;
  two.back() = 'C';
  EXPECT_NE(protein(">q\n" + one), protein(">q\n" + two));
  EXPECT_EQ(protein(">q\n" + one), protein(">q\n" + one.insert(70'000, "\n")));
}

}  // namespace
}  // namespace loom::sequence
