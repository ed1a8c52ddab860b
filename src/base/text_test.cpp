#include "base/text.hpp"

#include <gtest/gtest.h>

namespace loom {
namespace {

TEST(Text, TrimmedAtBothEnds) {
  EXPECT_EQ(trimmed("\r\n\t a b \t\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  for (const std::string_view none : {"", " ", "\n \r\t"}) EXPECT_EQ(trimmed(none), "");
  EXPECT_EQ(trimmed("\va\f"), "\va\f") << "as other bytes";
}

TEST(Text, TrimmedOfGivenBlanks) {
  EXPECT_EQ(trimmed("\t a\r\n ", kFieldBlanks), "a\r\n");
  EXPECT_EQ(trimmed(" \ta\t ", " "), "\ta\t");
}

TEST(Text, FirstWord) {
  EXPECT_EQ(first_word(" \t one two"), "one");
  EXPECT_EQ(first_word("one\r"), "one");
  EXPECT_EQ(first_word("one"), "one");
  for (const std::string_view none : {"", " \r\n"}) EXPECT_EQ(first_word(none), "");
}

TEST(Text, OneLineForATerminal) {
  EXPECT_EQ(one_line("x\x1b]0;t\ared\nnext\x7f"), "x ]0;t red next ");
  EXPECT_EQ(one_line("a\xc2\x9b"
                     "31mb"),
            "a  31mb")
      << "CSI in one letter";
  EXPECT_EQ(one_line("\xc3\xa4\xc2\xa0\xc2"), "\xc3\xa4\xc2\xa0\xc2");
}

TEST(Text, AWordForAShell) {
  EXPECT_EQ(shell_word("/data/a-b_1.fa,x=+:"), "/data/a-b_1.fa,x=+:");
  EXPECT_EQ(shell_word("6 std"), "'6 std'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  for (const char* text : {"", "$HOME", "~", "*", "a;b", "\xc3\xa4"})
    EXPECT_EQ(shell_word(text), "'" + std::string(text) + "'");
}

}  // namespace
}  // namespace loom
