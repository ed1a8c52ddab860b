#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/stream.hpp"
#include "base/result.hpp"

namespace loom::archive {

/// asn: NCBI's ASN.1 value notation, as -outfmt 8 and 11 print it. json: RFC 8259, as -outfmt 12 prints it.
enum class Dialect : std::uint8_t { asn, json };

enum class TokenKind : std::uint8_t {
  end,     ///< after the last token, outside of every block
  broken,  ///< the input cannot be read on: Scanner::error() says why
  word,    ///< identifier or keyword: `local`, `TRUE`, `Seq-annot`
  number,  ///< `12`, `-3`; json: `1e-5`
  string,  ///< with its quotes and line breaks, as it stands
  bits,    ///< `'0AF'H`, with quotes and letter
  open,    ///< `{`; json: also `[`
  close,   ///< `}`; json: also `]`
  comma,
  assign,  ///< `::=`
  colon    ///< json only
};

struct Token {
  TokenKind kind = TokenKind::end;
  /// The next token is a further piece of this string or bits, which is longer than a piece can be.
  bool more = false;
  /// As it stands in the input. Lives until the next call that moves the scanner.
  std::string_view text;
};

/// Cuts a stream into tokens, and copies what it passes, if asked, so that a caller can pass a file on and
/// change single tokens. Comments and what BLAST+ does not print are refused.
/// Memory: 256 KiB, whatever the input. Thread-safety: none. Blocking: as the Pull and the Write do.
/// Errors come as TokenKind::broken and stay: corrupt (names the input, line and byte), those of Pull, Write.
class Scanner {
 public:
  static constexpr int kMaxDepth = 100;

  /// `name` stands for the input in messages.
  Scanner(Pull pull, std::string name, Dialect dialect = Dialect::asn);

  TokenKind next();
  [[nodiscard]] const Token& token() const { return token_; }
  /// Makes next() return the current token once more.
  void unget() { again_ = true; }
  /// From an `open` token to its `close`, without a look at most of what stands between.
  TokenKind skip_block();

  /// How many blocks enclose what follows the current token.
  [[nodiscard]] int depth() const { return depth_; }
  /// How many characters stand before the current token in its line, up to 255.
  [[nodiscard]] std::size_t column() const;

  /// From the end of the current token on, every byte passed goes to `write`, until stop_copy(). What
  /// another copy still holds back is written first.
  void copy_to(Write write);
  /// Ends the copy behind the current token. Everything up to there has been written on return.
  Status stop_copy();
  /// Puts `text` in the current token's place in the copy.
  void replace(std::string_view text);

  /// The current token is not what it must be. With `broken`, why that is.
  [[nodiscard]] Error unexpected(std::string_view wanted) const;
  /// Why the scanner is broken.
  [[nodiscard]] const Error& error() const;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  TokenKind fail(Error error);
  TokenKind fail_at(std::size_t at, std::string_view what);
  TokenKind give(TokenKind kind, std::size_t end, bool more = false);
  TokenKind punctuation(char byte);
  TokenKind word();
  TokenKind quoted();
  TokenKind quoted_piece();
  [[nodiscard]] std::size_t quote_end(std::size_t from) const;
  bool refill();
  bool flush(std::size_t until);
  [[nodiscard]] std::string place(std::size_t at) const;

  Pull pull_;
  std::string name_;
  Dialect dialect_;
  std::vector<char> buffer_;  // [0, end_) is input; a NUL follows, which ends every run
  std::size_t start_ = 0;     // of the current token
  std::size_t pos_ = 0;       // behind the current token
  std::size_t end_ = 0;
  std::uint64_t dropped_ = 0;        // bytes before the buffer
  std::uint64_t dropped_lines_ = 0;  // line feeds among them
  bool at_end_ = false;
  Token token_;
  bool again_ = false;
  char quote_ = 0;  // of the string that goes on in the next token, or 0
  int depth_ = 0;
  Write write_;
  std::size_t copied_ = 0;  // up to here in the buffer the copy has been written
  std::optional<Error> error_;
};

}  // namespace loom::archive
