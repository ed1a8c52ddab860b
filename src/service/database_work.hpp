#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "catalog/snapshots.hpp"
#include "exec/process_runner.hpp"

namespace loom::service {

/// A database to be made of FASTA text.
struct BuildRequest {
  std::string name;
  blast::Molecule molecule = blast::Molecule::protein;
  std::string title;                   ///< empty: the name
  bool parse_ids = false;              ///< as -parse_seqids: ids can be looked up, and must differ
  std::optional<std::uint32_t> taxid;  ///< of all sequences
  std::filesystem::path taxid_map;     ///< or of each: lines of id and taxid; empty: none
  std::filesystem::path fasta;         ///< plain or gzip; "-" is standard input
  std::string source;                  ///< for people: where the text came from
};

/// Bytes of the FASTA file read so far, packed as they lie there, and in all (0: not known).
using BuildProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Makes a database by makeblastdb, checks it by blastdbcheck, and makes it the current snapshot of its name.
/// `progress` may be empty; it is called on another thread. Blocking, for long. Thread-safe.
/// Errors: invalid_argument with makeblastdb's own words; not_found (file); cancelled; disk_full; corrupt.
Result<catalog::Snapshot> build_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                         const BuildRequest& request, const BuildProgress& progress,
                                         std::stop_token stop);

/// What blastdbcheck finds wrong with the database of that name in `folder`; empty: nothing. Blocking, for
/// long.
Result<std::string> check_database_files(exec::ProcessRunner& runner, const std::filesystem::path& folder,
                                         const std::string& name, blast::Molecule molecule,
                                         std::stop_token stop);

/// Looks whether the files of a snapshot are as they were published and whether blastdbcheck finds them
/// whole, and keeps the verdict: empty, or what is wrong. Blocking: reads every byte. Errors: not_found,
/// cancelled.
Result<std::string> verify_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                    const catalog::Snapshot& snapshot, std::stop_token stop);

}  // namespace loom::service
