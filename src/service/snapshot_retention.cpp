#include "service/snapshot_retention.hpp"

#include <algorithm>
#include <ctime>
#include <map>

#include "base/time_text.hpp"

namespace loom::service {

namespace {

using catalog::Snapshot;

/// Seconds since 1970 of "2026-11-24T21:30:00Z"; 0 for any other text, which makes it old.
std::int64_t seconds_of(const std::string& when) {
  const auto time = parse_time(when);
  return time ? std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count() : 0;
}

}  // namespace

std::vector<Snapshot> surplus(const std::vector<Snapshot>& all,
                              const std::function<std::string(const std::string&)>& current_id,
                              const DatabaseUse& use, const SnapshotLimits& limits, std::int64_t now) {
  constexpr std::int64_t kDay = std::int64_t{24} * 60 * 60;
  std::vector<Snapshot> found;
  if (!limits.any()) return found;
  std::map<std::string, int> seen;  // the newest of each database come first
  for (const Snapshot& one : all) {
    const bool among_newest = limits.keep > 0 && ++seen[one.database] <= limits.keep;
    const bool young = limits.days > 0 && now - seconds_of(one.created) < limits.days * kDay;
    const bool needed = one.id == current_id(one.database) || !use.of(one.folder).empty();
    if (!among_newest && !young && !needed) found.push_back(one);
  }
  std::ranges::sort(found, {}, &Snapshot::id);
  return found;
}

Result<std::vector<Snapshot>> prune(const catalog::Snapshots& snapshots, const DatabaseUse& use,
                                    const SnapshotLimits& limits, const std::string& database) {
  const auto current = [&](const std::string& name) { return snapshots.current_id(name); };
  std::vector<Snapshot> removed;
  for (Snapshot& one : surplus(snapshots.list(), current, use, limits, std::time(nullptr))) {
    if (!database.empty() && one.database != database) continue;
    const Status gone = snapshots.remove(one.database, one.id);
    if (!gone && removed.empty()) return gone.error();
    if (!gone) break;  // the next beat goes on, and says why if that is still so
    removed.push_back(std::move(one));
  }
  return removed;
}

sched::Periodic snapshot_retention(const catalog::Snapshots& snapshots, store::JobStore& jobs,
                                   SnapshotLimits limits) {
  const auto run = [&snapshots, &jobs, limits]() -> Result<std::uint64_t> {
    LOOM_TRY(const DatabaseUse use, DatabaseUse::look(jobs));
    LOOM_TRY(const auto removed, prune(snapshots, use, limits));
    return removed.size();
  };
  return {.name = "snapshot_retention", .every = std::chrono::seconds(3600), .run = run};
}

}  // namespace loom::service
