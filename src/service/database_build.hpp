#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/snapshots.hpp"
#include "exec/process_runner.hpp"
#include "service/fasta_feeder.hpp"

namespace loom::service {

/// A database to be made of FASTA text, or one that is to get more sequences.
struct BuildRequest {
  std::string name;
  /// To the current snapshot of that name the sequences are added, as a volume of their own: what is there is
  /// neither read nor copied. Whether ids can be looked up is as in what is there.
  bool append = false;
  std::optional<blast::Molecule> molecule;   ///< needed, but for append, which has that of what is there
  std::string title;                         ///< empty: the name, or that of what is there
  bool parse_ids = false;                    ///< as -parse_seqids: ids can be looked up, and must differ
  std::optional<std::uint32_t> taxid;        ///< of all sequences
  std::filesystem::path taxid_map;           ///< or of each: lines of id and taxid; empty: none
  std::vector<std::filesystem::path> masks;  ///< as segmasker and others write by -outfmt maskinfo_…
  std::filesystem::path fasta;               ///< plain or gzip; "-" is standard input
  std::string source;                        ///< for people: where the text came from
};

/// Who looks on while a database is made; each may be empty, and comes from any thread.
struct BuildWatch {
  BuildProgress progress;                            ///< of reading the text
  std::function<void(std::string_view)> step;        ///< what is done now: "reading", "checking"
  std::function<void(const RepeatedIds&)> repeated;  ///< once, when the text was read
};

/// Makes a database by makeblastdb, checks it by blastdbcheck, and makes it the current snapshot of its name.
/// Blocking, for long. Thread-safe. Errors: invalid_argument with makeblastdb's own words and the ids that
/// stand more than once, for what does not go together, and for an id to append that is there already;
/// not_found (file, database to append to); conflict when the database was updated while more was appended to
/// what it was; cancelled; disk_full; corrupt.
Result<catalog::Snapshot> build_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                         const BuildRequest& request, const BuildWatch& watch,
                                         std::stop_token stop);

}  // namespace loom::service
