#include "api/range.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <charconv>
#include <optional>

#include "base/text.hpp"

namespace loom::api {
namespace {

// Only digits; what does not fit counts as the greatest number.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() ? number : UINT64_MAX;
}

ByteRange last_bytes(std::uint64_t wanted, std::uint64_t size_bytes) {
  const std::uint64_t count = std::min(wanted, size_bytes);
  if (count == 0) return {ByteRange::Kind::unsatisfiable};
  return {ByteRange::Kind::part, size_bytes - count, count};
}

}  // namespace

ByteRange parse_range(std::string_view header, std::uint64_t size_bytes) {
  const auto equals = header.find('=');
  if (equals == std::string_view::npos) return {};
  if (!boost::beast::iequals(trimmed(header.substr(0, equals), kFieldBlanks), "bytes")) return {};
  const std::string_view spec = trimmed(header.substr(equals + 1), kFieldBlanks);
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view from = trimmed(spec.substr(0, dash), kFieldBlanks);
  const std::string_view to = trimmed(spec.substr(dash + 1), kFieldBlanks);
  if (from.empty()) {
    const auto wanted = parse_position(to);
    return wanted ? last_bytes(*wanted, size_bytes) : ByteRange{};
  }
  const auto first = parse_position(from);
  const auto last = to.empty() ? std::optional(UINT64_MAX) : parse_position(to);
  if (!first || !last || *last < *first) return {};
  if (*first >= size_bytes) return {ByteRange::Kind::unsatisfiable};
  return {ByteRange::Kind::part, *first, std::min(*last, size_bytes - 1) - *first + 1};
}

ByteRange range_of(const http::Request& request, std::string_view etag, std::uint64_t size_bytes) {
  const std::string_view header = request.header("Range");
  if (header.empty() || request.method != boost::beast::http::verb::get) return {};
  const std::string_view unless = trimmed(request.header("If-Range"), kFieldBlanks);
  if (!unless.empty() && unless != etag) return {};
  return parse_range(header, size_bytes);
}

bool is_known(const http::Request& request, std::string_view etag) {
  std::string_view list = request.header("If-None-Match");
  if (list.empty()) return false;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    std::string_view one = trimmed(list.substr(0, comma), kFieldBlanks);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag || one == "*") return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace loom::api
