// Any arguments: read or refused with a reason, and what was read gives the same options again. The first
// byte chooses the program; NULs stand between arguments.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "blast/split_limits.hpp"

namespace blast = loom::blast;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const blast::Program program = blast::kPrograms.at(data[0] % blast::kPrograms.size());
  std::vector<std::string> args;
  for (const std::uint8_t* at = data + 1; at < data + size; ++at) {
    if (at == data + 1 || at[-1] == 0) args.emplace_back();
    if (*at != 0) args.back().push_back(static_cast<char>(*at));
  }
  (void)blast::asks_for_help(program, args);
  const auto options = blast::parse_options(program, args);
  if (!options) {
    LOOM_CHECK(!options.error().message.empty(), "a refusal says why");
    return 0;
  }
  (void)blast::split_limits(*options);
  const auto again = blast::parse_options(program, options->to_argv());
  LOOM_CHECK(again && *again == *options, "what was read reads back");
  return 0;
}
