#include "archive/asn_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace loom::archive {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
// Kept before the current token when the buffer moves on, so that column() can look back.
constexpr std::size_t kHistoryBytes = 256;
constexpr std::size_t kMaxWordBytes = 4096;

enum : std::uint8_t { kSpace = 1, kWord = 2, kPlain = 4 };  // kPlain: nothing that skip_block() must see

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  const auto set = [&](std::string_view bytes, unsigned bits) {
    for (const char byte : bytes) {
      auto& mine = classes.at(static_cast<unsigned char>(byte));
      mine = static_cast<std::uint8_t>(mine | bits);
    }
  };
  set(" \n\r\t", kSpace | kPlain);
  set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+._", kWord | kPlain);
  set(",:=", kPlain);
  return classes;
}();

bool is(char byte, std::uint8_t bits) {
  return (kClasses[static_cast<unsigned char>(byte)] & bits) != 0;
}

}  // namespace

Scanner::Scanner(Pull pull, std::string name, Dialect dialect)
    : pull_(std::move(pull)), name_(std::move(name)), dialect_(dialect), buffer_(kBufferBytes + 1) {}

TokenKind Scanner::next() {
  if (error_) return TokenKind::broken;
  if (std::exchange(again_, false)) return token_.kind;
  start_ = pos_;
  if (quote_ != 0) return quoted_piece();
  for (;;) {
    while (is(buffer_[start_], kSpace)) ++start_;
    pos_ = start_;
    if (start_ < end_) break;
    if (at_end_) {
      if (depth_ > 0) return fail_at(start_, fmt::format("cut short: {} blocks are still open", depth_));
      return give(TokenKind::end, start_);
    }
    if (!refill()) return TokenKind::broken;
  }
  const char byte = buffer_[start_];
  if (is(byte, kWord)) return word();
  if (byte == '"' || (byte == '\'' && dialect_ == Dialect::asn)) return quoted();
  return punctuation(byte);
}

TokenKind Scanner::skip_block() {
  LOOM_CHECK(token_.kind == TokenKind::open, "a block's start to skip from");
  const int outside = depth_ - 1;
  do {
    while (is(buffer_[pos_], kPlain)) ++pos_;
    const TokenKind kind = next();
    if (kind == TokenKind::broken) return kind;
  } while (depth_ > outside);
  return token_.kind;
}

std::size_t Scanner::column() const {
  std::size_t columns = 0;
  while (columns < start_ && columns < kHistoryBytes - 1 && buffer_[start_ - columns - 1] != '\n') ++columns;
  return columns;
}

TokenKind Scanner::punctuation(char byte) {
  const bool json = dialect_ == Dialect::json;
  if (byte == '{' || (json && byte == '[')) {
    if (depth_ == kMaxDepth)
      return fail_at(start_, fmt::format("more than {} blocks one in the other", kMaxDepth));
    ++depth_;
    return give(TokenKind::open, start_ + 1);
  }
  if (byte == '}' || (json && byte == ']')) {
    if (depth_ == 0) return fail_at(start_, fmt::format("'{}' closes nothing", byte));
    --depth_;
    return give(TokenKind::close, start_ + 1);
  }
  if (byte == ',') return give(TokenKind::comma, start_ + 1);
  if (json && byte == ':') return give(TokenKind::colon, start_ + 1);
  if (!json && byte == ':') {
    while (end_ - start_ < 3 && !at_end_)
      if (!refill()) return TokenKind::broken;
    if (std::string_view(&buffer_[start_], std::min<std::size_t>(3, end_ - start_)) == "::=")
      return give(TokenKind::assign, start_ + 3);
  }
  return fail_at(start_, fmt::format("byte 0x{:02x} where a token must start",
                                     static_cast<unsigned>(static_cast<unsigned char>(byte))));
}

TokenKind Scanner::word() {
  std::size_t at = start_;
  for (;;) {
    while (is(buffer_[at], kWord)) ++at;
    if (at - start_ > kMaxWordBytes) return fail_at(start_, "an endless word");
    if (at < end_ || at_end_) break;
    const std::size_t size = at - start_;
    if (!refill()) return TokenKind::broken;
    at = start_ + size;
  }
  const char first = buffer_[start_];
  const bool number = (first >= '0' && first <= '9') || first == '-';
  return give(number ? TokenKind::number : TokenKind::word, at);
}

TokenKind Scanner::quoted() {
  quote_ = buffer_[start_];
  return quoted_piece();
}

// Where the quoted text that goes on at `from` ends, just behind it; npos when the buffer does not tell.
std::size_t Scanner::quote_end(std::size_t from) const {
  for (std::size_t at = from;;) {
    const void* found = std::memchr(&buffer_[at], quote_, end_ - at);
    if (found == nullptr) return std::string::npos;
    at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
    if (dialect_ == Dialect::json) {
      std::size_t slashes = 0;
      while (at - 1 - slashes > from && buffer_[at - 2 - slashes] == '\\') ++slashes;
      if (slashes % 2 == 0) return at;
      continue;
    }
    if (at == end_ && !at_end_) return std::string::npos;
    if (quote_ == '\'') return at + 1;
    if (at == end_ || buffer_[at] != '"') return at;
    ++at;
  }
}

TokenKind Scanner::quoted_piece() {
  const TokenKind kind = quote_ == '"' ? TokenKind::string : TokenKind::bits;
  const bool goes_on = token_.more;
  for (;;) {
    const std::size_t end = quote_end(start_ + (goes_on ? 0 : 1));
    if (end != std::string::npos) {
      if (quote_ == '\'' && (end > end_ || (buffer_[end - 1] != 'H' && buffer_[end - 1] != 'B')))
        return fail_at(start_, "a bit string without H or B");
      quote_ = 0;
      return give(kind, end);
    }
    if (at_end_) return fail_at(start_, "cut short: a string is still open");
    if (end_ - start_ > kBufferBytes / 2) break;
    if (!refill()) return TokenKind::broken;
  }
  // A piece must not part what belongs together: "" or a backslash and what it escapes.
  std::size_t end = end_;
  while (buffer_[end - 1] == quote_ || (dialect_ == Dialect::json && buffer_[end - 1] == '\\')) --end;
  if (end <= start_ + 1) return fail_at(start_, "nothing but quotes");
  return give(kind, end, true);
}

TokenKind Scanner::give(TokenKind kind, std::size_t end, bool more) {
  token_ = {kind, more, std::string_view(&buffer_[start_], end - start_)};
  pos_ = end;
  return kind;
}

// Reads on, keeping the token that starts at start_.
bool Scanner::refill() {
  if (write_ && !flush(start_)) return false;
  const std::size_t keep = start_ - std::min(start_, kHistoryBytes);
  if (keep > 0) {
    dropped_lines_ += static_cast<std::uint64_t>(
        std::count(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(keep), '\n'));
    std::memmove(buffer_.data(), &buffer_[keep], end_ - keep);
    dropped_ += keep;
    start_ -= keep;
    pos_ = start_;
    end_ -= keep;
    copied_ = write_ ? copied_ - keep : 0;
  }
  LOOM_CHECK(end_ < kBufferBytes, "tokens are shorter than the buffer");
  const auto got = pull_(std::span(&buffer_[end_], kBufferBytes - end_));
  if (!got) {
    fail(got.error());
    return false;
  }
  end_ += *got;
  at_end_ = *got == 0;
  buffer_[end_] = '\0';
  return true;
}

bool Scanner::flush(std::size_t until) {
  if (until <= copied_) return true;
  const Status written = write_(std::string_view(&buffer_[copied_], until - copied_));
  copied_ = until;
  if (!written) fail(written.error());
  return written.has_value();
}

void Scanner::copy_to(Write write) {
  if (write_ && !flush(pos_)) return;
  write_ = std::move(write);
  copied_ = pos_;
}

Status Scanner::stop_copy() {
  LOOM_CHECK(write_, "a copy to stop");
  flush(pos_);
  write_ = nullptr;
  if (error_) return *error_;
  return ok();
}

void Scanner::replace(std::string_view text) {
  LOOM_CHECK(write_ && copied_ <= start_, "a token of the copy");
  if (!flush(start_)) return;
  copied_ = pos_;
  if (const Status written = write_(text); !written) fail(written.error());
}

TokenKind Scanner::fail(Error error) {
  error_ = std::move(error);
  token_ = {TokenKind::broken, false, {}};
  return TokenKind::broken;
}

TokenKind Scanner::fail_at(std::size_t at, std::string_view what) {
  return fail(loom::error(Code::corrupt, "{}: {}", place(at), what));
}

std::string Scanner::place(std::size_t at) const {
  const auto lines = std::count(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return fmt::format("{}: line {}, byte {}", name_, dropped_lines_ + static_cast<std::uint64_t>(lines) + 1,
                     dropped_ + at);
}

Error Scanner::unexpected(std::string_view wanted) const {
  if (error_) return *error_;
  const std::string_view found = token_.kind == TokenKind::end ? "the end of the file" : token_.text;
  return loom::error(Code::corrupt, "{}: expected {}, found {}", place(start_), wanted, found.substr(0, 60));
}

const Error& Scanner::error() const {
  LOOM_CHECK(error_.has_value(), "asked only when broken");
  return *error_;
}

}  // namespace loom::archive
