#pragma once
#include <functional>
#include <string>
#include <vector>

#include "catalog/snapshots.hpp"
#include "sched/beat.hpp"
#include "service/database_use.hpp"

namespace loom::service {

/// Which snapshots may go. With both limits a snapshot goes that is past both.
struct SnapshotLimits {
  int keep = 0;  ///< of each database its newest so many stay; 0: no limit
  int days = 0;  ///< younger ones stay; 0: no limit
  [[nodiscard]] bool any() const { return keep > 0 || days > 0; }
};

/// The snapshots past `limits` that nobody needs, the oldest first: never a current one, and none that an
/// unfinished job was submitted with. `now`: seconds since 1970.
std::vector<catalog::Snapshot> surplus(const std::vector<catalog::Snapshot>& all,
                                       const std::function<std::string(const std::string&)>& current_id,
                                       const DatabaseUse& use, const SnapshotLimits& limits,
                                       std::int64_t now);

/// Removes them; of `database` only, if that is not empty. What was removed, even if the last one failed.
/// Blocking: on disk. Errors: those of the store and of Snapshots::remove, when nothing was removed.
Result<std::vector<catalog::Snapshot>> prune(const catalog::Snapshots& snapshots, const DatabaseUse& use,
                                             const SnapshotLimits& limits, const std::string& database = "");

/// For the beat. References are borrowed.
sched::Periodic snapshot_retention(const catalog::Snapshots& snapshots, store::JobStore& jobs,
                                   SnapshotLimits limits);

}  // namespace loom::service
