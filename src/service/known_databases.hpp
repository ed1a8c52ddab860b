#pragma once
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "blast/options.hpp"

namespace loom::service {

/// What a submit must know of the database.
struct DatabaseFacts {
  std::string snapshot;     ///< sched::snapshot_of
  std::uint64_t bytes = 0;  ///< of its sequence files
};

/// Databases that searches were asked of just now, so that many submits in a row do not open one again and
/// again. What is known is good for a second, while the index files stay as they were; at most 64.
/// Thread-safe. Blocking: on disk.
class KnownDatabases {
 public:
  /// The database that `options` name, `path` as for search::open_search_database, and its errors.
  Result<DatabaseFacts> get(const blast::Options& options, const std::string& path) EXCLUDES(mutex_);

 private:
  struct Stamp {
    std::filesystem::path file;
    std::filesystem::file_time_type changed;
  };
  struct Entry {
    DatabaseFacts facts;
    Instant until{};
    std::vector<Stamp> stamps;
  };
  Mutex mutex_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);  // by molecule, path and names
};

}  // namespace loom::service
