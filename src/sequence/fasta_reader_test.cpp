#include "sequence/fasta_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sequence/memory_source.hpp"

namespace loom::sequence {
namespace {

using testing::HasSubstr;

/// A Record that outlives the reader's next call.
struct Kept {
  std::string raw, id;
  std::uint64_t ordinal, first_line, offset, letters;
};

struct Outcome {
  std::vector<Kept> records;
  std::string unsplittable;
  std::string error;
};

Outcome read(std::string_view text, Alphabet alphabet = Alphabet::protein,
             std::size_t chunk = std::string_view::npos) {
  MemorySource source(text, chunk);
  FastaReader reader(source, alphabet);
  Outcome outcome;
  for (;;) {
    const auto record = reader.next();
    if (!record) outcome.error = record.error().message;
    if (!record || !*record) break;
    const Record& r = **record;
    outcome.records.push_back(
        {std::string(r.raw), std::string(r.id), r.ordinal, r.first_line, r.offset, r.letters});
  }
  outcome.unsplittable = reader.unsplittable();
  return outcome;
}

std::string joined(const Outcome& outcome) {
  std::string all;
  for (const auto& record : outcome.records) all += record.raw;
  return all;
}

TEST(FastaReader, RecordsKnowTheirPlaceAndKeepEveryByte) {
  const std::string text = "; note\n\n>q1 one\r\nMKV\r\n\r\nLA\r\n>q2\n\n#c\n>q3\nMK";
  for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
    const Outcome got = read(text, Alphabet::protein, chunk);
    ASSERT_EQ(got.records.size(), 3U) << "reads of " << chunk;
    EXPECT_EQ(joined(got), text);
    EXPECT_EQ(got.records[0].id, "q1");
    EXPECT_EQ(got.records[0].letters, 5U);
    EXPECT_EQ(got.records[0].first_line, 1U);
    EXPECT_EQ(got.records[1].first_line, 7U);
    EXPECT_EQ(got.records[1].letters, 0U);
    EXPECT_EQ(got.records[1].offset, got.records[0].raw.size());
    EXPECT_EQ(got.records[2].first_line, 10U);
    EXPECT_EQ(got.records[2].ordinal, 2U);
    EXPECT_EQ(got.records[2].raw, ">q3\nMK");
    EXPECT_EQ(got.unsplittable, "");
  }
}

TEST(FastaReader, ARecordLargerThanTheBufferIsRead) {
  const std::string text = ">small\nMK\n>large\n" + std::string(3'000'000, 'A') + "\n>next\nMKV\n";
  for (const std::size_t chunk : {std::size_t{4'096}, std::string_view::npos}) {
    const Outcome got = read(text, Alphabet::nucleotide, chunk);
    ASSERT_EQ(got.records.size(), 3U);
    EXPECT_EQ(joined(got), text);
    EXPECT_EQ(got.records[1].letters, 3'000'000U);
  }
}

TEST(FastaReader, CountsWhatBlastKeeps) {
  const auto letters = [](std::string_view line, Alphabet alphabet) {
    return read(">q\nAA\n" + std::string(line) + "\n", alphabet).records.at(0).letters - 2;
  };
  EXPECT_EQ(letters("ACDEFGHIKLMNPQRSTVWYBZXJUO*acdefghiklmnpqrstvwybzxjuo", Alphabet::protein), 53U);
  EXPECT_EQ(letters("ACDEFGHIKLMNPQRSTVWYBZXJUO*acdefghiklmnpqrstvwybzxjuo", Alphabet::nucleotide), 32U);
  EXPECT_EQ(letters("  61 ACGT-ACGT\t\xc3\xa9", Alphabet::nucleotide), 8U);
  EXPECT_EQ(letters("ACGT;ACGT", Alphabet::nucleotide), 4U);
  EXPECT_EQ(letters(" ;ACGT", Alphabet::nucleotide), 0U);
  EXPECT_EQ(letters("!ACGT", Alphabet::nucleotide), 0U);
  EXPECT_EQ(letters("#ACGT", Alphabet::nucleotide), 0U);
  EXPECT_EQ(letters("AC!G#T", Alphabet::nucleotide), 4U);
  EXPECT_EQ(letters(" >ACGT", Alphabet::nucleotide), 4U);
}

TEST(FastaReader, TheIdIsTheFirstWordOfTheDefline) {
  const auto id = [](std::string_view defline) {
    return read(std::string(defline) + "\nMKV\n").records.at(0).id;
  };
  EXPECT_EQ(id(">sp|P01112|RASH_HUMAN GTPase"), "sp|P01112|RASH_HUMAN");
  EXPECT_EQ(id(">  q1 x"), "q1");
  EXPECT_EQ(id(">q1\tx"), "q1");
  EXPECT_EQ(id(">q1\x01q2"), "q1");
  EXPECT_EQ(id(">?_q1 x"), "q1");
  EXPECT_EQ(id(">caf\xc3\xa9\r"), "caf\xc3\xa9");
  EXPECT_EQ(id(">"), "");
  EXPECT_EQ(id("> \r"), "");
}

TEST(FastaReader, SaysWhyAnInputMustStayInOnePiece) {
  EXPECT_EQ(read("P01013\n>q2\nMKV\n").unsplittable, "line 1 may be an accession for BLAST+ to fetch");
  EXPECT_EQ(read("\nMKVLA\n>q2\nMKV\n").unsplittable, "line 2 is sequence data without a defline");
  EXPECT_EQ(read(">q1\nMKV\rLA\n").unsplittable, "line 2 has a carriage return without a line feed");
  EXPECT_EQ(read(">q1\rMKV\r>q2\rMKV\r").unsplittable, "line 1 has a carriage return without a line feed");
  EXPECT_EQ(read(">q1\nMKV\n>?10\nLA\n").unsplittable, "line 3 is an assembly gap (>?)");
  EXPECT_EQ(read(">q1\nMKV\n>q2\n@@@@@\n").unsplittable,
            "line 4 does not look like sequence data, so BLAST+ will stop there");
}

TEST(FastaReader, RefusesWhatBlastWouldRefuseBeforeItSearches) {
  EXPECT_EQ(
      read("@SRR1.1 8:5:1:817:345\nACGT\n+\nIIII\n").error,
      "line 1: neither a defline (>...) nor sequence data, and BLAST+ refuses it; this looks like FASTQ: "
      "convert it to FASTA first");
  EXPECT_THAT(read(">q1\n12345\n").error, HasSubstr("line 2: neither"));
  EXPECT_THAT(read("\xef\xbb\xbf>q1\nMKV\n").error, HasSubstr("line 1: neither"));
  EXPECT_EQ(read("12345\n").error, "") << "a gi for BLAST+ to fetch";
}

TEST(FastaReader, AFailedReadIsPassedOn) {
  class Failing final : public ByteSource {
   public:
    Result<std::size_t> read(std::span<char> into) override {
      if (calls_++ > 0) return error(Code::corrupt, "q.fa.gz: cut short");
      return std::string_view(">q1\nMKV\n>q2\nMK").copy(into.data(), into.size());
    }

   private:
    int calls_ = 0;
  };
  Failing source;
  FastaReader reader(source, Alphabet::protein);
  ASSERT_TRUE(reader.next().has_value()) << "the first record is whole";
  const auto second = reader.next();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "q.fa.gz: cut short");
}

}  // namespace
}  // namespace loom::sequence
