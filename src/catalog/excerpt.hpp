#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "catalog/database.hpp"

namespace loom::catalog {

// An excerpt is a copy of few sequences and their headers, made while their pages are in memory anyway. A
// search that needs only those then reads them in one place, and not again the pages of a database that
// memory cannot hold.

/// Bytes of these sequences (OIDs, ascending) and their headers. Reads the index alone.
std::uint64_t excerpt_bytes(const Database& database, std::span<const std::uint32_t> oids);

/// Writes the excerpt of these sequences (OIDs, ascending, each once) to `file`; for a work folder: not
/// synced. Blocking: on disk. Errors: corrupt, naming the volume whose index does not fit its files; those of
/// the file system.
Status write_excerpt(const std::filesystem::path& file, const Database& database,
                     std::span<const std::uint32_t> oids);

/// Makes `folder`, and in it volumes named as those of `database` that hold these sequences (OIDs, ascending,
/// each once), and nothing but holes for all others: OIDs, ids and the numbers of the whole stay what they
/// are. Whatever else belongs to the volumes (ids, taxids, masks) is linked to. Sequences come from
/// `excerpts`, whose OIDs rise from one to the next, or from `database` if they are in none. Returns
/// `database` with these volumes: for write_subset_alias, with OIDs among these only. Blocking: on disk.
/// Errors: those of write_excerpt; corrupt for a broken excerpt.
Result<Database> lay_out_excerpts(const std::filesystem::path& folder, const Database& database,
                                  std::span<const std::uint32_t> oids,
                                  std::span<const std::filesystem::path> excerpts);

}  // namespace loom::catalog
