#include "catalog/alias_file.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/text.hpp"

namespace loom::catalog {
namespace {

constexpr std::string_view kBetweenWords = " \t";

void add_line(std::string_view line, AliasValues& values) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (line.empty() || line.front() == '#') return;
  const auto key_end = std::min(line.find_first_of(kBetweenWords), line.size());
  if (key_end == 0) return;  // a tab in front: BLAST+ sees no key
  std::string value(trimmed(line.substr(key_end), kBetweenWords));
  std::ranges::replace(value, '\t', ' ');
  values.insert_or_assign(std::string(line.substr(0, key_end)), std::move(value));
}

}  // namespace

AliasValues parse_alias(std::string_view text) {
  AliasValues values;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    add_line(text.substr(0, end), values);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> found;
  std::string name;
  bool quoted = false;
  const auto finish = [&] {
    if (!name.empty()) found.push_back(std::move(name));
    name.clear();
  };
  for (const char letter : names) {
    if (letter == '"') {
      finish();
      quoted = !quoted;
    } else if (letter == ' ' && !quoted) {
      finish();
    } else {
      name += letter == '\\' ? '/' : letter;
    }
  }
  finish();
  return found;
}

bool can_name(std::string_view path) {
  return path.find_first_of("\"\\\t\r\n") == std::string_view::npos;
}

std::string quoted_name(std::string_view name) {
  LOOM_CHECK(name.find('"') == std::string_view::npos, "a database name holds no double quote");
  if (name.find(' ') == std::string_view::npos) return std::string(name);
  return '"' + std::string(name) + '"';
}

}  // namespace loom::catalog
