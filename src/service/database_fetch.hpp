#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "catalog/snapshots.hpp"
#include "exec/process_runner.hpp"
#include "mirror/mirror.hpp"

namespace loom::service {

inline constexpr const char* kNcbiMirror = "https://ftp.ncbi.nlm.nih.gov/blast/db";

/// Where a database comes from.
struct FetchRequest {
  std::string name;
  std::string mirror;     ///< the address under which it lies
  unsigned parallel = 4;  ///< files at once
  bool anew = false;      ///< also when the current snapshot is what the mirror has
};

struct FetchedDatabase {
  catalog::Snapshot snapshot;
  bool is_new = true;  ///< false: the mirror had nothing newer, and nothing was fetched
};

/// Bytes fetched so far, and in all (0: not known).
using FetchProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Fetches a database from a mirror of NCBI's beside those there are, checks it, and makes it the current
/// snapshot of its name; jobs that run are not touched. What a kill, a cancel or a failure left of the
/// download is gone on with by the next call. Which version it was is kept in the snapshot's source.
/// `progress` may be empty; it is called on other threads. Blocking, for long. Thread-safe; two fetches of
/// one name at once: conflict. Errors: those of find_database and fetch_files; corrupt when what came is no
/// whole database, or not as many sequences as the mirror says.
Result<FetchedDatabase> fetch_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                       const FetchRequest& request, const FetchProgress& progress,
                                       std::stop_token stop);

}  // namespace loom::service
