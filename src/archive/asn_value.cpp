#include "archive/asn_value.hpp"

#include <algorithm>

#include "base/number.hpp"

namespace loom::archive {
namespace {

constexpr std::size_t kLineColumns = 78;

template <class Number>
Result<Number> parse(const Scanner& scanner, std::string_view text) {
  const auto number = number_of<Number>(text);
  if (!number) return scanner.unexpected("a number");
  return *number;
}

// The line that a printed string is in, as the toolkit's stream sees it.
class Line {
 public:
  explicit Line(std::size_t column) : length_(column) { put('"'); }

  void put(char byte) {
    text_ += byte;
    ++length_;
  }
  void wrap() {
    if (length_ > kLineColumns) break_line();
  }
  std::string take() && { return std::move(text_); }

 private:
  // Where the line can be broken before a word, or npos.
  [[nodiscard]] std::size_t word_end() const {
    std::size_t column = length_;
    for (std::size_t at = text_.size(); at > 0 && column > 0;) {
      --at;
      --column;
      const char byte = text_[at];
      const bool space = byte == ' ' || (byte >= '\t' && byte <= '\r');
      if (column <= kLineColumns && (space || byte == '\''))
        return at > 0 && text_[at - 1] == '\n' ? std::string::npos : at;
      if (byte == '\n' || byte == '"') break;
    }
    return std::string::npos;
  }

  void break_line() {
    std::size_t at = word_end();
    if (at == std::string::npos) {
      at = text_.size() - std::min(text_.size(), length_ - kLineColumns);
      while (at > 0 && text_[at - 1] == '"') --at;  // "" stays together
    }
    text_.insert(at, 1, '\n');
    length_ = text_.size() - at - 1;
  }

  std::string text_;
  std::size_t length_;
};

}  // namespace

Result<std::string> string_value(Scanner& scanner) {
  if (scanner.token().kind != TokenKind::string) return scanner.unexpected("a string");
  std::string value;
  for (bool first = true;; first = false) {
    const Token token = scanner.token();
    std::string_view text = token.text;
    if (first) text.remove_prefix(1);
    if (!token.more) text.remove_suffix(1);
    for (std::size_t at = 0; at < text.size() && value.size() < kMaxStringBytes; ++at) {
      if (text[at] == '"') ++at;  // a doubled quote
      if (text[at] != '\n' && text[at] != '\r') value += text[at];
    }
    if (!token.more) return value;
    if (scanner.next() != TokenKind::string) return scanner.unexpected("more of the string");
  }
}

Result<std::int64_t> read_integer(Scanner& scanner) {
  if (scanner.next() != TokenKind::number) return scanner.unexpected("a number");
  return parse<std::int64_t>(scanner, scanner.token().text);
}

Result<double> read_real(Scanner& scanner) {
  std::string digits;  // short enough to need no allocation, as a rule
  LOOM_CHECKED(expect(scanner, TokenKind::open, "'{'"));
  if (scanner.next() != TokenKind::number) return scanner.unexpected("a mantissa");
  digits = scanner.token().text;
  LOOM_CHECKED(expect(scanner, TokenKind::comma, "','"));
  LOOM_TRY(const auto base, read_integer(scanner));
  if (base != 10) return scanner.unexpected("the base 10");
  LOOM_CHECKED(expect(scanner, TokenKind::comma, "','"));
  if (scanner.next() != TokenKind::number) return scanner.unexpected("an exponent");
  digits += 'e';
  digits += scanner.token().text;
  const auto value = number_of<double>(digits);
  // Out of range is nothing BLAST+ prints: it wrote the number from a double.
  if (!value) return scanner.unexpected("a real number");
  LOOM_CHECKED(expect(scanner, TokenKind::close, "'}'"));
  return *value;
}

Status skip_value(Scanner& scanner) {
  for (bool any = false;; any = true) {
    switch (scanner.next()) {
      case TokenKind::word:
        continue;
      case TokenKind::number:
        return ok();
      case TokenKind::string:
      case TokenKind::bits:
        while (scanner.token().more)
          if (scanner.next() == TokenKind::broken) return scanner.error();
        return ok();
      case TokenKind::open:
        if (scanner.skip_block() == TokenKind::broken) return scanner.error();
        return ok();
      case TokenKind::comma:
      case TokenKind::close:
        if (!any) return scanner.unexpected("a value");
        scanner.unget();  // the value was a word
        return ok();
      default:
        return scanner.unexpected("a value");
    }
  }
}

Status expect(Scanner& scanner, TokenKind kind, std::string_view wanted) {
  if (scanner.next() != kind) return scanner.unexpected(wanted);
  return ok();
}

Result<std::string_view> read_word(Scanner& scanner) {
  if (scanner.next() != TokenKind::word) return scanner.unexpected("a name");
  return scanner.token().text;
}

std::string print_string(std::string_view value, std::size_t column) {
  Line line(column);
  for (const char byte : value) {
    if (byte == '\0') continue;
    line.wrap();
    line.put(byte);
    if (byte == '"') line.put('"');
  }
  line.put('"');
  return std::move(line).take();
}

}  // namespace loom::archive
