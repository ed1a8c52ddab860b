#pragma once
#include <span>
#include <string>
#include <string_view>

#include "app/server_options.hpp"
#include "base/result.hpp"

namespace loom::app {

/// How a value is written.
enum class Kind {
  text,
  path,
  paths,  ///< joined by ':'; the flag may be repeated
  number,
  size,     ///< bytes: 512M, 16G
  yes_no,   ///< the flag alone says yes, and --no-NAME no
  by_name,  ///< NAME=VALUE, any number of them; in a file a table
};
std::string_view name(Kind kind);

/// One setting of the server, declared here and nowhere else: flags, the file, the environment, help,
/// `blastloom config` and the operator guide all come from this table.
struct Setting {
  std::string_view name;  ///< --NAME, NAME in a file, BLASTLOOM_NAME
  Kind kind = Kind::text;
  std::string_view value;      ///< what stands for the value in the help
  std::string_view otherwise;  ///< what holds when nothing is given: a value, or words in parentheses
  std::string_view allowed;    ///< a clause; may be empty
  std::string_view about;      ///< sentences
  /// Takes the value in. Errors: invalid_argument, saying what is allowed; the caller adds the place.
  Status (*set)(ServerOptions& options, const std::string& text) = nullptr;
  std::string_view variable{};  ///< of the environment, when it is not BLASTLOOM_NAME
  bool secret = false;          ///< never shown, and no flag: others on the machine see flags
};

std::span<const Setting> settings();
/// Errors: invalid_argument, with what is near.
Result<const Setting*> find_setting(std::string_view name);
/// The environment's name of it.
std::string variable_of(const Setting& setting);

/// What --help says of each flag.
std::string settings_help();
/// The table of the operator guide, in Markdown.
std::string settings_table();

}  // namespace loom::app
