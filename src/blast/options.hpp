#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "blast/option_spec.hpp"

namespace loom::blast {

/// A value by its Type: bool for flag (always true) and boolean, int64 for both integers, double for real,
/// string for the rest. monostate: no value.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

/// The options of one search: at most one of each name, in the order they were given.
/// Thread-safety: as a std::vector's. Never blocks.
class Options {
 public:
  /// One option as given. `text` is the user's own spelling, so that BLAST+ sees the very same text; empty
  /// for a flag.
  struct Entry {
    const OptionSpec* spec;  ///< in option_table(), never null
    std::string text;
    Value value;
  };

  explicit Options(Program program) : program_(program) {}

  [[nodiscard]] Program program() const { return program_; }
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }

  /// The entry of `name` (no dash), or null if it was not given. The next set or remove ends the entry's
  /// life.
  [[nodiscard]] const Entry* find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }

  /// The value given, else the default that -help states, else monostate: so too if the program has no such
  /// option.
  [[nodiscard]] Value value_or_default(std::string_view name) const;

  /// Gives `name` a value, in its old place if it has one; `text` must be empty for a flag.
  /// Errors: invalid_argument if the program has no such option or BLAST+ would refuse the value; nothing
  /// changed then.
  Status set(std::string_view name, std::string_view text);

  /// Drops `name`, if given.
  void remove(std::string_view name);

  /// Whether the options go together (OptionSpec::needs, excludes). Errors: invalid_argument, naming both.
  [[nodiscard]] Status check() const;

  /// Arguments for the program, its own name not included: parse_options(program(), to_argv()) equals *this.
  [[nodiscard]] std::vector<std::string> to_argv() const;

  /// Same program, names and texts, in the same order.
  friend bool operator==(const Options& a, const Options& b);

 private:
  Program program_;
  std::vector<Entry> entries_;
};

/// Reads arguments as BLAST+ does: `-name value`, `-name=value`, `-flag`, and `--` as the last one. Accepts
/// whatever BLAST+ accepts there; refuses what BLAST+ would refuse before it reads a sequence: unknown and
/// repeated options, values of the wrong type or out of range, combinations, an -outfmt that is none. Errors:
/// invalid_argument; BLAST+ exits with 1 on these, and so should the caller.
Result<Options> parse_options(Program program, std::span<const std::string> args);

/// The typed value of `text` for `spec`. Errors: invalid_argument, as for parse_options.
Result<Value> parse_value(const OptionSpec& spec, std::string_view text);

/// Whether BLAST+ would print its help or version for `args` and search nothing: -h or -help in an option's
/// place, or -version (-version-full, -version-full-xml, -version-full-json, -xmlhelp) anywhere. Then run the
/// engine with `args` as they are: the text, and the exit code, are its own.
bool asks_for_help(Program program, std::span<const std::string> args);

}  // namespace loom::blast
