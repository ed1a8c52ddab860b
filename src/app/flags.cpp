#include "app/flags.hpp"

#include <algorithm>

#include "blast/nearest.hpp"

namespace loom::app {

Error unknown_flag(std::string_view command, std::string_view flag, std::span<const std::string_view> names) {
  if (const auto near = blast::nearest(flag, names))
    return error(Code::invalid_argument, "{} has no flag '--{}'; did you mean '--{}'?", command, flag, *near);
  return error(Code::invalid_argument, "{0} has no flag '--{1}'; see blastloom {0} --help", command, flag);
}

std::vector<std::string> Arguments::values(std::string_view flag) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : given)
    if (name == flag) found.push_back(value);
  return found;
}

Result<Arguments> read_arguments(std::string_view command, std::span<const std::string> args,
                                 std::span<const KnownFlag> known) {
  Arguments found;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (!args[i].starts_with("--")) {
      found.rest.push_back(args[i]);
      continue;
    }
    const std::size_t equals = args[i].find('=');
    const std::string flag = args[i].substr(2, equals == std::string::npos ? equals : equals - 2);
    const auto one = std::ranges::find(known, flag, &KnownFlag::name);
    if (one == known.end()) {
      std::vector<std::string_view> names;
      for (const KnownFlag& other : known) names.push_back(other.name);
      return unknown_flag(command, flag, names);
    }
    std::string value;
    if (one->takes_value && equals != std::string::npos) {
      value = args[i].substr(equals + 1);
    } else if (one->takes_value) {
      if (i + 1 == args.size()) return error(Code::invalid_argument, "--{}: a value is needed", flag);
      value = args[++i];
    }
    found.flags[flag] = value;
    found.given.emplace_back(flag, std::move(value));
  }
  return found;
}

}  // namespace loom::app
