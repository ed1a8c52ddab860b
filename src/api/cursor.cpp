#include "api/cursor.hpp"

#include "base/number.hpp"

namespace loom::api {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kLongest = 100;

std::string encode(std::string_view bytes) {
  std::string text;
  unsigned value = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    value = (value << 8U) | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= 6; bits -= 6) text += kLetters[(value >> (bits - 6)) & 63U];
  }
  if (bits > 0) text += kLetters[(value << (6 - bits)) & 63U];
  return text;
}

std::optional<std::string> decode(std::string_view text) {
  std::string bytes;
  unsigned value = 0;
  unsigned bits = 0;
  for (const char letter : text) {
    const auto six = kLetters.find(letter);
    if (six == std::string_view::npos) return std::nullopt;
    value = (value << 6U) | static_cast<unsigned>(six);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>((value >> bits) & 0xffU);
  }
  return bytes;
}

}  // namespace

std::string cursor_text(const store::JobCursor& cursor) {
  return encode(fmt::format("{}.{}", cursor.created.time_since_epoch().count(), cursor.id.str()));
}

std::optional<store::JobCursor> parse_cursor(std::string_view text) {
  if (text.size() > kLongest) return std::nullopt;
  const auto plain = decode(text);
  if (!plain) return std::nullopt;
  const auto dot = plain->find('.');
  if (dot == std::string::npos) return std::nullopt;
  const auto count = number_of<std::int64_t>(std::string_view(*plain).substr(0, dot));
  if (!count) return std::nullopt;
  auto id = store::JobId::parse(std::string_view(*plain).substr(dot + 1));
  if (!id) return std::nullopt;
  store::JobCursor cursor{store::UnixTime(std::chrono::milliseconds(*count)), *std::move(id)};
  if (cursor_text(cursor) != text) return std::nullopt;
  return cursor;
}

}  // namespace loom::api
