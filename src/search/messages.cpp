#include "search/messages.hpp"

#include <fmt/format.h>

#include <charconv>

#include "render/number_queries.hpp"

namespace loom::search {

namespace {
constexpr std::size_t kMost = 100'000;

/// Moves the number behind every `mark` on by `shift`.
std::string moved(std::string_view text, std::string_view mark, std::uint64_t shift) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    const std::size_t digits = at + mark.size();
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data() + digits, text.data() + text.size(), number);
    if (failed != std::errc{}) continue;
    result += text.substr(done, digits - done);
    result += fmt::format("{}", number + shift);
    done = static_cast<std::size_t>(end - text.data());
  }
  result += text.substr(done);
  return result;
}
}  // namespace

std::string true_numbers(std::string_view line, std::uint64_t first_query, std::uint64_t first_line) {
  std::string result = render::renumber_all(line, first_query);
  if (first_line <= 1) return result;
  // The FASTA reader counts lines: "Near line 12, …", "On line 12: 5, 7", "… around line 2".
  for (const char* mark : {"ear line ", "n line ", "around line "})
    result = moved(result, mark, first_line - 1);
  return result;
}

void Messages::add(std::string_view text, std::uint64_t first_query, std::uint64_t first_line) {
  while (!text.empty()) {
    const std::size_t feed = text.find('\n');
    std::string line = true_numbers(text.substr(0, feed), first_query, first_line);
    text.remove_prefix(feed == std::string_view::npos ? text.size() : feed + 1);
    if (seen_.size() < kMost && !seen_.insert(line).second) continue;
    before_();
    fmt::print(to_, "{}\n", line);
  }
}

}  // namespace loom::search
