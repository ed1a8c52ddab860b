#include "http/url.hpp"

#include <algorithm>
#include <optional>

namespace loom::http {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus == Plus::is_space) c = ' ';
    if (c == '%') {
      const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
      if (!high || !low)
        return error(Code::invalid_argument, "the URL has a '%' without two hexadecimal digits");
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    }
    if (c == '\0') return error(Code::invalid_argument, "the URL has a NUL byte");
    out += c;
  }
  return out;
}

Result<Pairs> parse_query(std::string_view query) {
  Pairs pairs;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto piece = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (piece.empty()) continue;
    const auto equals = std::min(piece.find('='), piece.size());
    LOOM_TRY(auto name, percent_decode(piece.substr(0, equals), Plus::is_space));
    LOOM_TRY(auto value, percent_decode(piece.substr(std::min(equals + 1, piece.size())), Plus::is_space));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

Result<Target> split_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    break;
  }
  const auto mark = std::min(target.find('?'), target.size());
  Target parts{target.substr(0, mark), target.substr(std::min(mark + 1, target.size()))};
  if (!parts.path.starts_with('/'))
    return error(Code::invalid_argument, "the request's path must begin with '/'");
  return parts;
}

Result<Segments> split_path(std::string_view path) {
  Segments segments;
  path.remove_prefix(1);
  const auto slashes = static_cast<std::size_t>(std::ranges::count(path, '/'));
  segments.names.reserve(slashes + 1);
  const bool encoded = path.find('%') != std::string_view::npos;
  if (encoded) segments.decoded.reserve(slashes + 1);
  for (;;) {
    const auto end = std::min(path.find('/'), path.size());
    std::string_view name = path.substr(0, end);
    if (encoded) {
      LOOM_TRY(auto plain, percent_decode(name, Plus::stays));
      name = segments.decoded.emplace_back(std::move(plain));
    }
    segments.names.push_back(name);
    if (end == path.size()) return segments;
    path.remove_prefix(end + 1);
  }
}

}  // namespace loom::http
