#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "search/settings.hpp"

namespace loom::app {

enum class Show { nothing, text, json };

/// The two-dash flags of `blastloom search`, taken out from between BLAST+'s own one-dash ones.
struct OwnFlags {
  search::Settings settings;
  Show explain = Show::nothing;  ///< --explain: print the plan, search nothing
  enum class Progress { automatic, off, text, json } progress = Progress::automatic;
  bool help = false;
  std::vector<std::string> engine_args;  ///< all the rest, in order
};

/// Errors: invalid_argument for an unknown or unusable flag, with the nearest one.
Result<OwnFlags> take_own_flags(std::span<const std::string> args);

/// A size in bytes: "8G", "512M", "64K", "1073741824"; factors of 1024. Errors: invalid_argument.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// What --help says of them.
std::string_view own_flags_help();

}  // namespace loom::app
