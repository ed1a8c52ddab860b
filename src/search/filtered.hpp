#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "blast/options.hpp"
#include "catalog/database.hpp"
#include "catalog/shards.hpp"
#include "exec/process_runner.hpp"

namespace loom::search {

/// The sequences that a list option (-seqidlist, -gilist, -taxids, -taxidlist and their negatives) leaves of
/// a database, and the numbers that BLAST+ then rests its statistics on. With both, parts of the database can
/// be searched as exactly as without a list.
struct Filtered {
  std::vector<std::uint32_t> oids;  ///< ascending, at least one
  catalog::Pins pins;
};

/// The list option given, without its dash; empty if there is none. BLAST+ takes one at most.
std::string_view list_option(const blast::Options& options);

/// `options` without its list option.
blast::Options without_list(blast::Options options);

/// Finds what the list option leaves, and asks the engine itself what it counts: one pass over what is left,
/// with five short queries. Files go to `folder`. Blocking: on processes.
/// Errors: unavailable when the engine counts otherwise (it then can only be searched whole), or refuses the
/// list; not_found; those of the file system.
Result<Filtered> resolve_list(const blast::Options& options, const catalog::Database& database,
                              exec::ProcessRunner& runner, const std::filesystem::path& folder);

}  // namespace loom::search
