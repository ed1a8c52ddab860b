#include "app/flags.hpp"

#include <algorithm>

#include "blast/nearest.hpp"

namespace loom::app {

namespace {

Error unknown(std::string_view command, std::string_view flag, std::span<const KnownFlag> known) {
  std::vector<std::string_view> names;
  for (const KnownFlag& one : known) names.push_back(one.name);
  if (const auto near = blast::nearest(flag, names))
    return error(Code::invalid_argument, "{} has no flag '--{}'; did you mean '--{}'?", command, flag, *near);
  return error(Code::invalid_argument, "{0} has no flag '--{1}'; see blastloom {0} --help", command, flag);
}

}  // namespace

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
    if (one == known.end()) return unknown(command, flag, known);
    if (!one->takes_value) {
      found.flags[flag] = "";
    } else if (equals != std::string::npos) {
      found.flags[flag] = args[i].substr(equals + 1);
    } else if (i + 1 < args.size()) {
      found.flags[flag] = args[++i];
    } else {
      return error(Code::invalid_argument, "--{}: a value is needed", flag);
    }
  }
  return found;
}

}  // namespace loom::app
