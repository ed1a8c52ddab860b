#include "blast/outfmt.hpp"

#include <gmock/gmock.h>

namespace loom::blast {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

OutFormat read(std::string_view text, Program program = Program::blastp) {
  const auto format = parse_outfmt(program, text);
  EXPECT_TRUE(format) << text;
  return format.value_or(OutFormat{});
}

TEST(OutFormat, TabularDefaults) {
  EXPECT_THAT(read("6").columns, SizeIs(12));
  EXPECT_EQ(read("6").delimiter, "\t");
  EXPECT_EQ(read("10").delimiter, ",");
  EXPECT_THAT(read("0").columns, IsEmpty());
  EXPECT_EQ(read("5 std").delimiter, "");
}

TEST(OutFormat, ColumnsInOrderOnceEach) {
  EXPECT_THAT(read("6 qseqid evalue qseqid sseqid").columns, ElementsAre("qseqid", "evalue", "sseqid"));
  EXPECT_THAT(read("6 qlen std").columns, SizeIs(13));
  EXPECT_THAT(read("6 qlen slen -qlen").columns, ElementsAre("slen"));
  EXPECT_THAT(read("6 -qlen").columns, SizeIs(12));
}

TEST(OutFormat, WhatBlastPassesOverIsReported) {
  const auto format = read("6 qseqid evaluee QLEN -nothing");
  EXPECT_THAT(format.columns, ElementsAre("qseqid"));
  EXPECT_THAT(format.ignored, ElementsAre("evaluee", "QLEN", "-nothing"));
}

TEST(OutFormat, DelimiterCountsOnlyInFirstPlace) {
  EXPECT_EQ(read("7 delim=, std").delimiter, ",");
  EXPECT_EQ(read("6 delim=a=b qlen").delimiter, "a=b");
  EXPECT_EQ(read("6 delim= qlen").delimiter, "\t");
  EXPECT_EQ(read("6 qlen delim=,").delimiter, "\t");
  EXPECT_EQ(read("6  delim=, qlen").delimiter, "\t");
}

TEST(OutFormat, Sam) {
  EXPECT_TRUE(read("17 SQ SR", Program::blastn).sam_sequences);
  EXPECT_TRUE(read("17 SQ SR", Program::blastn).sam_subject_is_reference);
  EXPECT_FALSE(read("17", Program::blastn).sam_sequences);
  EXPECT_FALSE(parse_outfmt(Program::blastx, "17"));
}

TEST(OutFormat, RefusalsSayWhatIsWrong) {
  EXPECT_EQ(parse_outfmt(Program::blastp, "19").error().message, "-outfmt: there is no format 19; give 0-18");
  EXPECT_EQ(parse_outfmt(Program::blastp, "six std").error().message,
            "-outfmt: 'six' is not a format number; give 0-18, and columns behind a space: \"6 std qlen\"");
  EXPECT_EQ(parse_outfmt(Program::blastp, "6 delim , std").error().message,
            "-outfmt: 'delim' needs a value: delim=X, the columns behind it");
}

}  // namespace
}  // namespace loom::blast
