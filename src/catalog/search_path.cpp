#include "catalog/search_path.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/text.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

void add_folders(std::string_view list, std::vector<fs::path>& folders) {
  std::ranges::move(split_folders(list), std::back_inserter(folders));
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<std::string> read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// The folders that BLAST+ searches for `.ncbirc`; only the first file counts, whatever it holds.
std::vector<fs::path> configuration_folders() {
  std::vector<fs::path> folders;
  const std::string_view instead = environment("NCBI_CONFIG_PATH");
  if (!instead.empty()) {
    add_folders(instead, folders);
    return folders;
  }
  folders.emplace_back(".");
  for (const char* name : {"HOME", "NCBI"}) {
    const std::string_view folder = environment(name);
    if (!folder.empty()) folders.emplace_back(folder);
  }
  return folders;
}

std::string configured_path() {
  const std::string_view forced = environment("NCBI_CONFIG__BLAST__BLASTDB");
  if (!forced.empty()) return std::string(forced);
  if (std::getenv("NCBI_DONT_USE_NCBIRC") != nullptr) return {};
  for (const auto& folder : configuration_folders()) {
    if (const auto text = read_text(folder / ".ncbirc")) return ncbirc_database_path(*text);
  }
  return {};
}

}  // namespace

std::vector<fs::path> split_folders(std::string_view list) {
  std::vector<fs::path> folders;
  while (!list.empty()) {
    const auto colon = std::min(list.find(':'), list.size());
    if (colon > 0) folders.emplace_back(list.substr(0, colon));
    list.remove_prefix(std::min(colon + 1, list.size()));
  }
  return folders;
}

SearchPath SearchPath::with(std::string_view first) {
  SearchPath path = from_environment();
  const auto folders = split_folders(first);
  path.folders.insert(path.folders.begin() + 1, folders.begin(), folders.end());
  return path;
}

SearchPath SearchPath::from_environment() {
  SearchPath path;
  std::error_code ignored;
  path.folders.push_back(fs::current_path(ignored));
  add_folders(environment("BLASTDB"), path.folders);
  add_folders(configured_path(), path.folders);
  return path;
}

std::string ncbirc_database_path(std::string_view text) {
  std::string found;
  bool in_section = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == ';' || line.front() == '#') continue;
    if (line.front() == '[') {
      in_section = same_word(trimmed(line.substr(1, std::min(line.find(']'), line.size()) - 1)), "BLAST");
      continue;
    }
    const auto equals = line.find('=');
    if (!in_section || equals == std::string_view::npos) continue;
    if (!same_word(trimmed(line.substr(0, equals)), "BLASTDB")) continue;
    std::string_view value = trimmed(line.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    found = value;
  }
  return found;
}

}  // namespace loom::catalog
