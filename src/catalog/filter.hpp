#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "catalog/database.hpp"

namespace loom::catalog {

// How to shard a search with -seqidlist, -gilist, -taxidlist or their negatives exactly:
//   1. write_filter_alias() selects the listed sequences, and blastdbcmd with listing_args() prints their
//   OIDs;
//      a negative filter leaves the others(): they are its set as long as no sequence has several ids.
//   2. blastp or blastn with probe_args() and the user's own filter shows what BLAST+ counts. If that is not
//      selected(database, oids).statistics, the sets differ: search unsharded.
//   3. write_subset_alias() with those pins, once for each shard's part of the OIDs; no filter flag any more.

/// What a list file holds; each has its key in alias files.
enum class IdList : std::uint8_t { seqids, gis, taxids };

/// Writes an alias that selects what the file `list` names: text or the binary form of blastdb_aliastool.
/// `name` as for write_shard_alias. Returns its path without extension. Errors: as write_shard_alias, and
/// conflict if `folder` holds `name`.list. Blocking: on disk.
Result<std::filesystem::path> write_filter_alias(const std::filesystem::path& folder, std::string_view name,
                                                 const Database& database, IdList kind,
                                                 const std::filesystem::path& list);

/// Arguments that make blastdbcmd print the OID of every sequence of the -db argument `names`.
std::vector<std::string> listing_args(std::string_view names, Molecule molecule);

/// That output: sorted, each once. Errors: corrupt for a line that is no OID of `database`.
Result<std::vector<std::uint32_t>> parse_listing(std::string_view output, const Database& database);

/// All OIDs of `database` that are not in `oids` (sorted, each once).
std::vector<std::uint32_t> others(const Database& database, const std::vector<std::uint32_t>& oids);

/// FASTA to search a filtered database with, to learn its counts from the search spaces.
std::string_view probe_queries(Molecule molecule);

/// Arguments for blastp or blastn, by the database's molecule; the user's filter comes on top. The run reads
/// the whole filtered database once, with five short queries.
std::vector<std::string> probe_args(std::string_view names, Molecule molecule,
                                    const std::filesystem::path& queries);

/// The counts that BLAST+ rests its E-values on, from the probe's output. A search space is (query letters -
/// a) * (letters - a * sequences) with the length adjustment `a` of the query: two queries give both
/// unknowns, the others must agree. Errors: corrupt for other output, or a filtered set too small or odd to
/// tell.
Result<Counts> parse_probe(std::string_view xml);

}  // namespace loom::catalog
