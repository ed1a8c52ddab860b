#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "archive/asn_text.hpp"
#include "base/result.hpp"

// The values of NCBI's ASN.1 text. All functions start behind a token and leave the scanner on the value's
// last token. Errors: corrupt, with the place.
namespace loom::archive {

/// The string that the current token begins, without quotes and line breaks. Of a longer one the first
/// `kMaxStringBytes`.
inline constexpr std::size_t kMaxStringBytes = std::size_t{64} << 10;
Result<std::string> string_value(Scanner& scanner);

/// The next token, a whole number.
Result<std::int64_t> read_integer(Scanner& scanner);

/// The next tokens, `{ mantissa, 10, exponent }`.
Result<double> read_real(Scanner& scanner);

/// Passes over a member's value: words, and a number, a string or a block.
Status skip_value(Scanner& scanner);

/// The next token must be of this kind.
Status expect(Scanner& scanner, TokenKind kind, std::string_view wanted);

/// The next token must be a word, which is returned; it lives until the scanner moves.
Result<std::string_view> read_word(Scanner& scanner);

/// `value` as the toolkit prints it when the opening quote stands in column `column` (from 0): quotes
/// doubled, lines broken as COStreamBuffer::PutEolAtWordEnd does at 78 columns (util/strbuffer.cpp).
std::string print_string(std::string_view value, std::size_t column);

/// Reads `{ name value, name value }`, the `{` included: calls member(name) behind each name; it must read
/// the value. The name is borrowed until the scanner moves.
template <class Member>
Status read_members(Scanner& scanner, Member&& member) {
  LOOM_CHECKED(expect(scanner, TokenKind::open, "'{'"));
  for (TokenKind kind = scanner.next(); kind != TokenKind::close; kind = scanner.next()) {
    if (kind != TokenKind::word) return scanner.unexpected("a name");
    LOOM_CHECKED(member(scanner.token().text));
    if (scanner.next() == TokenKind::close) return ok();
    if (scanner.token().kind != TokenKind::comma) return scanner.unexpected("',' or '}'");
  }
  return ok();
}

/// Reads `{ value, value }`, the `{` included: calls element(index) before each value; it must read it.
template <class Element>
Status read_elements(Scanner& scanner, Element&& element) {
  LOOM_CHECKED(expect(scanner, TokenKind::open, "'{'"));
  if (scanner.next() == TokenKind::close) return ok();
  scanner.unget();
  for (std::size_t index = 0;; ++index) {
    LOOM_CHECKED(element(index));
    if (scanner.next() == TokenKind::close) return ok();
    if (scanner.token().kind != TokenKind::comma) return scanner.unexpected("',' or '}'");
  }
}

}  // namespace loom::archive
