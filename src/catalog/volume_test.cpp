#include "catalog/volume.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/temp_dir.hpp"
#include "catalog/blast_under_test.hpp"

namespace loom::catalog {
namespace {

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(value >> shift & 0xFFU);
  return bytes;
}

std::string counted(std::string_view text) {
  return big_endian(static_cast<std::uint32_t>(text.size())) + std::string(text);
}

/// Three sequences of 10, 20 and 70 letters.
std::string index_bytes(std::uint32_t version, Molecule molecule) {
  const bool protein = molecule == Molecule::protein;
  std::string bytes = big_endian(version) + big_endian(protein ? 1 : 0);
  if (version == 5) bytes += big_endian(0);
  bytes += counted("a title");
  if (version == 5) bytes += counted("x.pdb");
  bytes += counted(std::string_view("Nov 24, 2026  8:15 AM\0\0\0", 24)) + big_endian(3);
  bytes += std::string("\x64\0\0\0\0\0\0\0", 8) + big_endian(70);
  for (const std::uint32_t header : {0U, 5U, 9U, 20U}) bytes += big_endian(header);
  if (protein) {
    for (const std::uint32_t start : {1U, 12U, 33U, 104U}) bytes += big_endian(start);
  } else {
    for (const std::uint32_t start : {1U, 4U, 18U, 36U}) bytes += big_endian(start);
    for (const std::uint32_t end : {4U, 10U, 36U, 36U}) bytes += big_endian(end);
  }
  return bytes;
}

TEST(ParseIndex, ReadsBothFormatsAndMolecules) {
  for (const std::uint32_t version : {4U, 5U}) {
    for (const Molecule molecule : {Molecule::protein, Molecule::nucleotide}) {
      const std::string bytes = index_bytes(version, molecule);
      const auto head = parse_index(std::as_bytes(std::span(bytes)));
      ASSERT_TRUE(head) << head.error().message;
      EXPECT_EQ(head->version, version);
      EXPECT_EQ(head->molecule, molecule);
      EXPECT_EQ(head->title, "a title");
      EXPECT_EQ(head->id_database, version == 5 ? "x.pdb" : "");
      EXPECT_EQ(head->date, "Nov 24, 2026  8:15 AM");
      EXPECT_EQ(head->sequences, 3U);
      EXPECT_EQ(head->letters, 100U);
      EXPECT_EQ(head->longest, 70U);
    }
  }
}

TEST(ParseIndex, CutOffAnywhereIsCorrupt) {
  const std::string bytes = index_bytes(5, Molecule::nucleotide);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto head = parse_index(std::as_bytes(std::span(bytes).first(size)));
    ASSERT_FALSE(head) << size;
    EXPECT_EQ(head.error().code, Code::corrupt) << size;
  }
}

TEST(ParseIndex, OtherFormatsAreNamed) {
  const std::string bytes = index_bytes(6, Molecule::protein);
  const auto head = parse_index(std::as_bytes(std::span(bytes)));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().message, "the index has format 6; formats 4 and 5 can be read");
}

TEST(VolumeIndex, MeasuresSequencesByTheirOffsets) {
  const auto folder = TempDir::create();
  ASSERT_TRUE(folder);
  spit(folder->path() / "x.pin", index_bytes(4, Molecule::protein));
  spit(folder->path() / "x.nin", index_bytes(4, Molecule::nucleotide));
  const auto protein = VolumeIndex::open(folder->path() / "x", Molecule::protein);
  ASSERT_TRUE(protein) << protein.error().message;
  std::vector<std::uint64_t> before;
  for (const std::uint32_t oid : {0U, 1U, 2U, 3U}) before.push_back((*protein)->letters_before(oid));
  EXPECT_EQ(before, (std::vector<std::uint64_t>{0, 10, 30, 100}));
  EXPECT_EQ((*protein)->scanned_letters(1), 20U);

  const auto nucleotide = VolumeIndex::open(folder->path() / "x", Molecule::nucleotide);
  ASSERT_TRUE(nucleotide) << nucleotide.error().message;
  EXPECT_EQ((*nucleotide)->letters_before(0), 0U);
  EXPECT_LE((*nucleotide)->letters_before(1), (*nucleotide)->letters_before(2));
  EXPECT_EQ((*nucleotide)->letters_before(3), 100U);
  EXPECT_EQ((*nucleotide)->scanned_letters(1), 5U * 4 + 1) << "6 packed bytes, the ambiguities apart";
}

TEST(VolumeIndex, RefusesTheOtherMolecule) {
  const auto folder = TempDir::create();
  ASSERT_TRUE(folder);
  spit(folder->path() / "x.pin", index_bytes(4, Molecule::nucleotide));
  const auto index = VolumeIndex::open(folder->path() / "x", Molecule::protein);
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().code, Code::corrupt);
  const auto absent = VolumeIndex::open(folder->path() / "y", Molecule::protein);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::not_found);
}

}  // namespace
}  // namespace loom::catalog
