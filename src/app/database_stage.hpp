#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "catalog/database_files.hpp"
#include "exec/process_runner.hpp"

namespace loom::app {

/// none_wanted: the run reads no database that is copied, or too little of it.
enum class Staged { copy, none_wanted };

/// Copies of databases on this machine's own disk, one folder for all workers that run here:
///
///   KEY/       files of one database, as they lay in the shared folder; KEY tells their paths, sizes and
///   times KEY.lock   locked by whoever reads the copy lock       held while copies are made and removed: a
///   file is copied once, and others wait for it
///
/// BLAST+ takes a volume of the same file name in its working folder before the one that -db or an alias file
/// means (catalog/shards.hpp); so a run whose working folder is a copy reads that, and one for which nothing
/// could be copied reads the shared files. Of a database that is searched in shards only the volumes of those
/// shards are copied that are searched here. Thread-safety: distinct objects, in any number of processes.
/// Blocking: on disks.
class DatabaseStage {
 public:
  DatabaseStage(std::filesystem::path folder, std::uint64_t max_bytes)
      : folder_(std::move(folder)), max_bytes_(max_bytes) {}

  /// Makes `spec`, a run of BLAST+ over -db, read from a copy, which stays while this object lives. Copies
  /// that nobody reads go when there is no room, the longest unused first. Errors: why there is no copy;
  /// `spec` is then as it was.
  Result<Staged> use(exec::ProcessSpec& spec);

 private:
  Result<Fd> lock(const std::filesystem::path& file, int how) const;
  Status copy(const std::vector<catalog::DatabaseFile>& files, const std::filesystem::path& target);
  Status make_room(std::uint64_t bytes) const;

  std::filesystem::path folder_;
  std::uint64_t max_bytes_;
  Fd in_use_;
};

}  // namespace loom::app
