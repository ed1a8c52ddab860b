#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace loom::app {

/// A flag that a command knows.
struct KnownFlag {
  std::string_view name;  ///< without its dashes
  bool takes_value = true;
};

/// A command line taken apart.
struct Arguments {
  std::map<std::string, std::string, std::less<>> flags{};   ///< without dashes; "" for those without a value
  std::vector<std::pair<std::string, std::string>> given{};  ///< all flags with their values, in their order
  std::vector<std::string> rest{};                           ///< all that does not begin with "--"
  [[nodiscard]] bool has(std::string_view flag) const { return flags.contains(flag); }
  /// "" when it was not given.
  [[nodiscard]] std::string value(std::string_view flag) const {
    const auto found = flags.find(flag);
    return found == flags.end() ? std::string() : found->second;
  }
  /// All that were given, of a flag that may be repeated.
  [[nodiscard]] std::vector<std::string> values(std::string_view flag) const;
};

/// What is said of a flag of `command` that is not one of `names`, with what is near. All without dashes.
Error unknown_flag(std::string_view command, std::string_view flag, std::span<const std::string_view> names);

/// "--name VALUE" or "--name=VALUE"; the last of several counts. Errors: invalid_argument, naming the flag
/// and what is near, and `command`, whose --help tells more.
Result<Arguments> read_arguments(std::string_view command, std::span<const std::string> args,
                                 std::span<const KnownFlag> known);

}  // namespace loom::app
