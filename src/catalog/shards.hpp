#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "catalog/database.hpp"

namespace loom::catalog {

// Alias files make BLAST+ search a part of a database, without a copy, with the E-values of the whole.
//
// BLAST+ 2.12 takes a volume of the same file name in its WORKING FOLDER before the one that an alias file
// names, even by an absolute path. So a search over any of these aliases must run in a folder without
// databases: the one the alias is in will do.
//
// None of BLAST+'s own filters (-seqidlist, -gilist, -taxids and their negatives) may go to a search over an
// alias: with them BLAST+ sets cut-off scores by the shortest sequence of the part, and weak hits are lost.
// Select the filter's sequences by write_subset_alias and the pins of selected() instead.

/// Sequences `begin` to `end - 1` of a whole database, by OID.
struct OidRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint64_t letters = 0;  ///< of these together; for nucleotides an estimate

  friend bool operator==(const OidRange&, const OidRange&) = default;
};

/// Cuts the database into at most `parts` ranges of nearly equal letters: in order, without gaps, none empty.
/// One longest sequence is the grain. parts >= 1.
std::vector<OidRange> cut_shards(const Database& database, std::uint32_t parts);

/// The numbers a search must see, whatever part of the database it reads.
struct Pins {
  Counts shown;                ///< NSEQ, LENGTH: headers, and the mean length of a sequence
  Counts statistics;           ///< STATS_NSEQ, STATS_TOTLEN: search spaces
  std::uint32_t shortest = 0;  ///< MIN_SEQ_LENGTH, letters: cut-off scores. 0: BLAST+'s default, no filter
};

/// The pins of an unfiltered search over the whole database.
Pins whole(const Database& database);

/// The pins of a search that BLAST+ itself would filter to exactly these OIDs (sorted, each once, all in the
/// database). Nucleotide lengths are those that BLAST+ adds up here: packed bytes and the OID's last two
/// bits.
Pins selected(const Database& database, std::span<const std::uint32_t> oids);

/// Writes `folder`/`name`.pal or .nal that selects `range`, and returns its path without extension: the name
/// for -db (see quoted_name). `name` holds no blank, quote or '/'. Blocking: on disk. Errors:
/// invalid_argument if the database cannot be cut (Database::unshardable), or lies under a path that no alias
/// file can name; those of AtomicFile.
Result<std::filesystem::path> write_shard_alias(const std::filesystem::path& folder, std::string_view name,
                                                const Database& database, const OidRange& range,
                                                const Pins& pins);

/// The same for exactly these OIDs (sorted, each once, at least one): writes a bit mask and an alias for each
/// volume, `name`.0.msk, `name`.0.pal and so on, and `name`.pal over them. A volume without any is there too,
/// so that OIDs, and ids made of them (gnl|BL_ORD_ID|7), stay those of the whole database.
Result<std::filesystem::path> write_subset_alias(const std::filesystem::path& folder, std::string_view name,
                                                 const Database& database,
                                                 std::span<const std::uint32_t> oids, const Pins& pins);

}  // namespace loom::catalog
