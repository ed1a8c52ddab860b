#include "render/number_queries.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

namespace loom::render {

namespace {
constexpr std::string_view kLabel = "Query_";

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
}  // namespace

std::optional<QueryLabel> query_label(std::string_view text) {
  if (!text.starts_with(kLabel)) return std::nullopt;
  QueryLabel label;
  const char* digits = text.data() + kLabel.size();
  const auto [end, failed] = std::from_chars(digits, text.data() + text.size(), label.number);
  if (failed != std::errc{} || label.number == 0) return std::nullopt;
  label.size = static_cast<std::size_t>(end - text.data());
  return label;
}

std::optional<std::string> renumbered(std::string_view line, std::string_view prefix,
                                      std::uint64_t first_query) {
  if (!line.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = line.substr(prefix.size());
  const auto label = query_label(rest);
  if (!label) return std::nullopt;
  return fmt::format("{}{}{}{}", prefix, kLabel, label->number + first_query, rest.substr(label->size));
}

namespace {
/// BLAST+ names a query in a message by its label and title, cut after 25 bytes: "Query_9 sp|P12345|ABCD_..
/// :". A longer number leaves less room for the title. `text` starts behind the label; returns what is left
/// of the title, and sets `taken` to how much of `text` it stands for.
std::string title_behind(std::string_view text, std::size_t old_size, std::size_t new_size,
                         std::size_t& taken) {
  constexpr std::size_t kRoom = 25;
  taken = 0;
  if (new_size == old_size || old_size > kRoom || !text.starts_with(' ')) return {};
  const std::size_t room = kRoom - old_size;
  const bool cut = text.size() >= room + 2 && text.substr(room, 2) == "..";
  const std::size_t end = cut ? room : text.find(": ");
  if (end == std::string_view::npos || end > room || end + new_size <= kRoom) return {};
  taken = cut ? end + 2 : end;
  return std::string(text.substr(0, kRoom - new_size)) + (cut ? ".." : ".. ");
}
}  // namespace

std::string renumber_all(std::string_view text, std::uint64_t first_query) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(kLabel); at != std::string_view::npos; at = text.find(kLabel, at + 1)) {
    const auto label = query_label(text.substr(at));
    const bool alone = at == 0 || !word_character(text[at - 1]);
    if (!label || !alone) continue;
    const std::size_t end = at + label->size;
    if (end < text.size() && word_character(text[end])) continue;
    result += text.substr(done, at - done);
    const std::string moved = fmt::format("{}{}", kLabel, label->number + first_query);
    std::size_t taken = 0;
    result += moved + title_behind(text.substr(end), label->size, moved.size(), taken);
    done = end + taken;
  }
  result += text.substr(done);
  return result;
}

}  // namespace loom::render
