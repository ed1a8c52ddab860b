#include <toml++/toml.h>

#include <sstream>

#include "app/configuration.hpp"

namespace loom::app {

namespace {

Result<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::to_string(number->get());
  if (const auto* yes = node.as_boolean()) return std::string(yes->get() ? "yes" : "no");
  if (const auto* list = node.as_array()) {
    std::string joined;
    for (const toml::node& one : *list) {
      if (!one.is_string()) return error(Code::invalid_argument, "a list holds texts");
      joined += (joined.empty() ? "" : ":") + one.as_string()->get();
    }
    return joined;
  }
  return error(Code::invalid_argument,
               "a text, number, yes or no (true, false), or a list of texts is needed");
}

bool is_by_name(const std::string& key) {
  const auto setting = find_setting(key);
  return setting && (*setting)->kind == Kind::by_name;
}

// The parser bounds how deep tables stand in each other.
// NOLINTNEXTLINE(misc-no-recursion)
Status add(std::vector<FileEntry>& entries, const std::string& prefix, const toml::table& table) {
  const bool names = !prefix.empty() && is_by_name(prefix);
  for (const auto& [key, node] : table) {
    const std::string word(key.str());
    const std::string name = names ? prefix : prefix.empty() ? word : prefix + "-" + word;
    if (const auto* inner = node.as_table(); inner != nullptr && !names) {
      LOOM_CHECKED(add(entries, name, *inner));
      continue;
    }
    auto text = text_of(node);
    const auto line = node.source().begin.line;
    if (!text) return text.error().at(fmt::format("line {}: {}", line, name));
    entries.push_back({name, names ? word + "=" + *text : *std::move(text), line});
  }
  return ok();
}

}  // namespace

Result<std::vector<FileEntry>> parse_settings(std::string_view text) {
  std::vector<FileEntry> entries;
  try {
    LOOM_CHECKED(add(entries, "", toml::parse(text)));
  } catch (const toml::parse_error& wrong) {  // the library has no other way to say it
    return error(Code::invalid_argument, "line {}: {}", wrong.source().begin.line, wrong.description());
  }
  return entries;
}

}  // namespace loom::app
