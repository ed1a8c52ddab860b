#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "catalog/search_path.hpp"
#include "catalog/volume.hpp"

namespace loom::catalog {

/// How large a set of sequences is.
struct Counts {
  std::uint64_t sequences = 0;
  std::uint64_t letters = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

/// One physical volume.
struct Volume {
  std::filesystem::path base;   ///< absolute, without extension
  std::uint32_t first_oid = 0;  ///< in the whole database
  std::shared_ptr<const VolumeIndex> index;

  [[nodiscard]] const IndexHead& head() const { return index->head(); }
};

/// One name of -db, as it stands alone: the reports of BLAST+ describe each in a block of its own.
struct DatabasePart {
  std::string name;            ///< as the user wrote it, unquoted
  std::filesystem::path base;  ///< of its alias or index file, absolute, without extension
  std::string title;
  std::string date;  ///< the newest volume's
  Counts shown;
};

/// What a -db argument means: files found, alias files followed, volumes in BLAST+'s order of OIDs (by file
/// name, then by folder; not as listed). A value; it keeps the index files mapped. Thread-safe to read.
struct Database {
  std::string names;  ///< as the user wrote them
  Molecule molecule = Molecule::protein;
  std::vector<DatabasePart> parts;
  std::vector<Volume> volumes;
  std::string title;  ///< as blastdbcmd tells it: of the alias files, then of the volumes, joined by "; "
  std::string engine_title;     ///< as the engines tell it: of the names in their order, joined by "; "
  Counts shown;                 ///< as in headers and footers; an alias's NSEQ and LENGTH count
  Counts statistics;            ///< what E-values rest on; an alias's STATS_NSEQ and STATS_TOTLEN count
  std::uint32_t sequences = 0;  ///< of all volumes; OIDs are below it
  std::uint64_t letters = 0;    ///< of all volumes
  std::uint32_t longest = 0;    ///< letters
  std::uint64_t bytes = 0;      ///< of the sequence files
  std::uint32_t version = 0;    ///< of the format: 4 or 5
  std::string date;             ///< the newest volume's, as makeblastdb wrote it
  bool has_ids = false;         ///< made with -parse_seqids, all of it: ids can be looked up
  bool profiles = false;        ///< made by makeprofiledb, all of it: rpsblast searches it
  std::string unshardable;      ///< why no OID range of it can be searched apart; empty if one can

  /// Letters of the sequences below `oid`, over the volumes: as VolumeIndex::letters_before.
  [[nodiscard]] std::uint64_t letters_before(std::uint32_t oid) const;
};

/// Opens the databases in `names` (the text of -db) as BLAST+ 2.12 would from the first folder of `path`.
/// Starts no process. Blocking: on disk.
/// Note that BLAST+ takes a volume of the same file name in its working folder before the one that an alias
/// file names, even by an absolute path. So does this; see also shards.hpp.
/// Errors: invalid_argument for no name, formats 4 and 5 mixed, or a database of the other molecule;
/// not_found with the places and near names; corrupt with the file for alias files that name each other or a
/// broken index.
Result<Database> open_database(std::string_view names, Molecule molecule, const SearchPath& path);

}  // namespace loom::catalog
