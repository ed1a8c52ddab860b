#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "catalog/database.hpp"

namespace loom::catalog {

/// The OID in an id that BLAST+ made up for a sequence of a database without ids: 7 for "gnl|BL_ORD_ID|7" and
/// "BL_ORD_ID:7". It counts over all volumes and databases of the -db argument, in shards and subsets too.
/// nullopt for any other id.
std::optional<std::uint32_t> made_up_oid(std::string_view id);

/// The databases with an index of ids of their own that `database` is made of, as absolute names (not
/// quoted): the same id may stand in several of them, and a look-up over all of them finds it in one.
std::vector<std::filesystem::path> id_databases(const Database& database);

/// Arguments that make blastdbcmd look up the ids in the file `batch`, one a line, in a database with ids
/// (Database::has_ids). It prints one OID for each id it finds, in order, also for an id given twice; names
/// the others on stderr; and exits with 1 if there are any.
std::vector<std::string> lookup_args(std::string_view names, Molecule molecule,
                                     const std::filesystem::path& batch);

/// What that run found, one entry for each of `ids`; nullopt for a missing one. Errors: corrupt if the output
/// does not fit the ids, or an OID is not below `sequences`.
Result<std::vector<std::optional<std::uint32_t>>> parse_lookup(std::span<const std::string> ids,
                                                               std::string_view out, std::string_view err,
                                                               std::uint32_t sequences);

}  // namespace loom::catalog
