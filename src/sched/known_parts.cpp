#include "sched/known_parts.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/sha256.hpp"

namespace loom::sched {

namespace {

std::string key_of(std::string_view surroundings, std::string_view letters) {
  Sha256 hash;
  hash.add(fmt::format("{}\n", surroundings.size()));
  hash.add(surroundings);
  hash.add(letters);
  return hash.hex();
}

/// The number of queries and the bytes of each one's rows, a blank behind each number; then the rows.
std::string packed(const search::PartRows& rows) {
  std::string text = fmt::format("{} ", rows.size());
  for (const std::string& one : rows) text += fmt::format("{} ", one.size());
  for (const std::string& one : rows) text += one;
  return text;
}

/// nullopt unless packed() made it.
std::optional<search::PartRows> unpacked(std::string_view text) {
  const auto take_number = [&text]() -> std::optional<std::size_t> {
    std::size_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || end == text.data() + text.size() || *end != ' ') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return number;
  };
  const auto queries = take_number();
  if (!queries || *queries > text.size()) return std::nullopt;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < *queries; ++i) {
    const auto size = take_number();
    if (!size) return std::nullopt;
    sizes.push_back(*size);
  }
  search::PartRows rows;
  for (const std::size_t size : sizes) {
    if (size > text.size()) return std::nullopt;
    rows.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return text.empty() ? std::optional(std::move(rows)) : std::nullopt;
}

}  // namespace

std::optional<search::PartRows> KnownParts::find(std::string_view surroundings, std::string_view letters) {
  const auto text = cache_.find(key_of(surroundings, letters));
  return text ? unpacked(*text) : std::nullopt;
}

void KnownParts::keep(std::string_view surroundings,
                      const std::vector<std::pair<std::string, search::PartRows>>& parts) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& [letters, rows] : parts) texts.emplace_back(key_of(surroundings, letters), packed(rows));
  cache_.put(texts);
}

}  // namespace loom::sched
