#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "catalog/database.hpp"
#include "catalog/snapshots.hpp"
#include "service/job_service.hpp"

namespace loom::service {

/// A database as BLAST+'s tools find it.
struct OpenDatabase {
  catalog::Database database;
  std::string folders;  ///< BLASTDB for them; empty: as this process's
};

/// The databases that can be searched: the current snapshots of those the server keeps, then what lies in the
/// folders of BLASTDB, which is read once and again on rescan(). Of one name the kept one counts.
/// Thread-safe. Blocking: on disk.
class DatabaseList {
 public:
  explicit DatabaseList(catalog::Snapshots kept) : kept_(std::move(kept)) {}

  Result<std::vector<DatabaseInfo>> get() EXCLUDES(mutex_);
  /// How many there are now.
  Result<std::size_t> rescan() EXCLUDES(mutex_);

  /// Where the text of -db leads now: the folders of the current snapshots that it names, joined by ':'.
  [[nodiscard]] std::string path_of(std::string_view names) const;
  /// One of them; of one that the server keeps its snapshot `id`, the current one if that is empty. Errors:
  /// not_found, corrupt.
  [[nodiscard]] Result<OpenDatabase> open(const std::string& name, const std::string& id = "");
  [[nodiscard]] const catalog::Snapshots& kept() const { return kept_; }

 private:
  [[nodiscard]] std::vector<DatabaseInfo> kept_now() const;

  const catalog::Snapshots kept_;
  Mutex mutex_;
  std::optional<std::vector<DatabaseInfo>> known_ GUARDED_BY(mutex_);
};

}  // namespace loom::service
