#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "catalog/database.hpp"
#include "catalog/discovery.hpp"
#include "catalog/snapshots.hpp"
#include "sched/beat.hpp"
#include "service/job_service.hpp"

namespace loom::service {

/// A database as BLAST+'s tools find it.
struct OpenDatabase {
  catalog::Database database;
  std::string folders;  ///< BLASTDB for them; empty: as this process's
};

/// The databases that can be searched: the current snapshots of those the server keeps, then what lies in the
/// folders of BLASTDB, as the last rescan() found it. Of one name the kept one counts.
/// Thread-safe. Blocking: on disk.
class DatabaseList {
 public:
  explicit DatabaseList(catalog::Snapshots kept) : kept_(std::move(kept)) {}

  /// Scans only if nobody has yet.
  Result<std::vector<DatabaseInfo>> get() EXCLUDES(mutex_, scanning_);
  /// Looks into the folders; those who ask meanwhile get what was known. How many there are now.
  Result<std::size_t> rescan() EXCLUDES(mutex_, scanning_);

  /// Where the text of -db leads now: the folders of the current snapshots that it names, joined by ':'.
  [[nodiscard]] std::string path_of(std::string_view names) const;
  /// One of them; of one that the server keeps its snapshot `id`, the current one if that is empty. Errors:
  /// not_found, corrupt.
  [[nodiscard]] Result<OpenDatabase> open(const std::string& name, const std::string& id = "");
  /// Tells one state of a database from another: its snapshot, or the scan that last found something new.
  /// Errors: those of a first scan.
  [[nodiscard]] Result<std::string> version_of(const std::string& name, const std::string& id = "");
  [[nodiscard]] const catalog::Snapshots& kept() const { return kept_; }

 private:
  Status scan_first() EXCLUDES(mutex_, scanning_);
  [[nodiscard]] std::vector<DatabaseInfo> kept_now() const;
  /// Those it keeps, and of the others those of another name.
  [[nodiscard]] std::vector<DatabaseInfo> listed(const std::vector<DatabaseInfo>& found) const;

  const catalog::Snapshots kept_;
  Mutex scanning_;
  catalog::Discovery discovery_ GUARDED_BY(scanning_);
  Mutex mutex_;
  std::optional<std::vector<DatabaseInfo>> known_ GUARDED_BY(mutex_);
  /// Grows whenever a rescan() opened something anew: what was read of those in BLASTDB may be old.
  std::uint64_t changes_ GUARDED_BY(mutex_) = 0;
};

/// Looks into the folders each minute, for the beat. `databases` is borrowed.
sched::Periodic database_rescan(DatabaseList& databases);

}  // namespace loom::service
