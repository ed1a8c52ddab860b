#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace loom {

inline constexpr std::string_view kBlanks = " \t\r\n";
/// Those around the parts of an HTTP header field (RFC 9110, 5.6.3).
inline constexpr std::string_view kFieldBlanks = " \t";

/// `text` without the `blanks` at both its ends.
inline std::string_view trimmed(std::string_view text, std::string_view blanks = kBlanks) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The first word of `text`, blanks in front of it passed over. Empty: it has none.
inline std::string_view first_word(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_first_of(kBlanks));
}

inline bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// `text` (UTF-8) as a terminal may show it: one line, blanks in place of control characters.
std::string one_line(std::string text);

/// `text` as one word for a POSIX shell, in quotes where it must be.
std::string shell_word(std::string_view text);

}  // namespace loom
