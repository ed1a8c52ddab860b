#pragma once
#include <vector>

#include "base/mutex.hpp"
#include "service/job_service.hpp"

namespace loom::service {

/// The databases in the folders of BLASTDB. Read once and again on rescan(). Thread-safe. Blocking: on disk.
class DatabaseList {
 public:
  Result<std::vector<DatabaseInfo>> get() EXCLUDES(mutex_);
  /// How many there are now.
  Result<std::size_t> rescan() EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::optional<std::vector<DatabaseInfo>> known_ GUARDED_BY(mutex_);
};

}  // namespace loom::service
