#include "archive/asn_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace loom::archive {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> tokens(std::string_view text, std::size_t piece, Dialect dialect = Dialect::asn) {
  Scanner scanner(pull_text(text, piece), "f", dialect);
  std::vector<std::string> all;
  while (scanner.next() != TokenKind::end) {
    if (scanner.token().kind == TokenKind::broken) return {scanner.error().message};
    all.emplace_back(scanner.token().text);
  }
  return all;
}

TEST(Scanner, CutsTokensWhereverTheInputIsParted) {
  const std::string_view text =
      "Seq-annot ::= { a str \"x \"\"y\"\" {\n z\", b { -12, 10, 3 },\n c '0AF'H }\n";
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U})
    EXPECT_THAT(tokens(text, piece),
                ElementsAre("Seq-annot", "::=", "{", "a", "str", "\"x \"\"y\"\" {\n z\"", ",", "b", "{",
                            "-12", ",", "10", ",", "3", "}", ",", "c", "'0AF'H", "}"))
        << piece;
}

TEST(Scanner, CutsJson) {
  for (const std::size_t piece : {1U, 2U, 1000U})
    EXPECT_THAT(
        tokens(R"({"a": [1e-5, true], "b\"\\": ""})", piece, Dialect::json),
        ElementsAre("{", "\"a\"", ":", "[", "1e-5", ",", "true", "]", ",", R"("b\"\\")", ":", "\"\"", "}"));
}

TEST(Scanner, NamesThePlaceOfWhatIsWrong) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"a {\n  b #", "f: line 2, byte 8: byte 0x23 where a token must start"},
      {"a { b", "f: line 1, byte 5: cut short: 1 blocks are still open"},
      {"a \"b", "f: line 1, byte 2: cut short: a string is still open"},
      {"a }", "f: line 1, byte 2: '}' closes nothing"},
      {"a '0F'X", "a bit string without H or B"},
      {"a :: b", "byte 0x3a"}};
  for (const auto& [text, message] : cases)
    EXPECT_THAT(tokens(text, 3), ElementsAre(HasSubstr(message))) << text;
  EXPECT_THAT(tokens(std::string(200, '{'), 64), ElementsAre(HasSubstr("more than 100 blocks")));
  EXPECT_THAT(tokens(std::string(10'000, 'a'), 64), ElementsAre(HasSubstr("endless word")));
  EXPECT_THAT(tokens(std::string_view("a\0b", 3), 64), ElementsAre(HasSubstr("byte 0x00")));
}

TEST(Scanner, CountsLinesOverManyBuffers) {
  std::string text = "a {\n";
  for (int i = 0; i < 200'000; ++i) text += "  1,\n";
  const auto last = text.size();
  text += "?";
  EXPECT_THAT(tokens(text, 4096),
              ElementsAre(HasSubstr("f: line 200002, byte " + std::to_string(last) + ":")));
}

TEST(Scanner, GivesALongStringInPiecesThatPartNoPair) {
  for (const std::string& unit : {std::string("\"\""), std::string("abc\"\"d\n"), std::string("x")}) {
    std::string text = "a \"";
    while (text.size() < 1'000'000) text += unit;
    text += "\" b";
    Scanner scanner(pull_text(text, 777), "f");
    ASSERT_EQ(scanner.next(), TokenKind::word);
    std::string string;
    if (unit == "\"\"") {  // nothing to part between: refused, with the place
      EXPECT_EQ(scanner.next(), TokenKind::broken);
      EXPECT_THAT(scanner.error().message, HasSubstr("byte 2"));
      continue;
    }
    do {
      ASSERT_EQ(scanner.next(), TokenKind::string);
      string += scanner.token().text;
    } while (scanner.token().more);
    EXPECT_EQ(string, text.substr(2, text.size() - 4));
    EXPECT_EQ(scanner.next(), TokenKind::word);
  }
}

TEST(Scanner, CopiesAndReplaces) {
  const std::string text = "a ::= {\n  b \"one\",\n  c { 1, 2 }\n}\n";
  for (const std::size_t piece : {1U, 5U, 1000U}) {
    std::string copy;
    Scanner scanner(pull_text(text, piece), "f");
    scanner.copy_to(append_to(copy));
    while (scanner.next() != TokenKind::end) {
      ASSERT_NE(scanner.token().kind, TokenKind::broken);
      if (scanner.token().text == "\"one\"") {
        EXPECT_EQ(scanner.column(), 4U);
        scanner.replace("\"three\"");
      }
    }
    ASSERT_TRUE(scanner.stop_copy());
    EXPECT_EQ(copy, "a ::= {\n  b \"three\",\n  c { 1, 2 }\n}\n");
  }
}

TEST(Scanner, SkipsABlockAndCopiesItsText) {
  std::string copy;
  Scanner scanner(pull_text("a { b \"}\", c '7D'H, { } } d", 2), "f");
  scanner.next();
  scanner.next();
  scanner.copy_to(append_to(copy));
  EXPECT_EQ(scanner.skip_block(), TokenKind::close);
  ASSERT_TRUE(scanner.stop_copy());
  EXPECT_EQ(copy, " b \"}\", c '7D'H, { } }");
  EXPECT_EQ(scanner.depth(), 0);
  EXPECT_EQ(scanner.next(), TokenKind::word);
}

TEST(Scanner, PassesOnErrorsOfItsStreams) {
  Scanner unread([](std::span<char>) -> Result<std::size_t> { return error(Code::unavailable, "gone"); },
                 "f");
  EXPECT_EQ(unread.next(), TokenKind::broken);
  EXPECT_EQ(unread.error().code, Code::unavailable);

  Scanner unwritten(pull_text("a b"), "f");
  unwritten.copy_to([](std::string_view) -> Status { return error(Code::disk_full, "full"); });
  while (unwritten.next() == TokenKind::word) {
  }
  const Status stopped = unwritten.stop_copy();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::disk_full);
}

}  // namespace
}  // namespace loom::archive
