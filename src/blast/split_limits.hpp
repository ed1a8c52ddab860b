#pragma once
#include <string_view>
#include <vector>

#include "blast/options.hpp"

namespace loom::blast {

/// One reason why a search must not be cut in some way, for --explain and for the page.
struct SplitLimit {
  Forbids forbids;
  std::string_view cause;  ///< a program's name, or an option's without the dash
  std::string_view why;    ///< one line
};

/// All that the program and its options rule out, in the order given. Empty: shards and batches are both
/// exact.
std::vector<SplitLimit> split_limits(const Options& options);

bool allows_shards(const std::vector<SplitLimit>& limits);
bool allows_batches(const std::vector<SplitLimit>& limits);

/// Whether several threads of one engine process give the answer of one. BLAST+ 2.12 itself does not with
/// -use_sw_tback (no two runs agree) and -culling_limit (it depends on which thread finds what first).
bool allows_threads(const Options& options);

}  // namespace loom::blast
