#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>

#include "sched/beat.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::sched {

/// What ended jobs may take. 0 is no limit.
struct RetentionLimits {
  int days = 0;             ///< after their end
  std::uint64_t bytes = 0;  ///< of all objects, and answers in the store: the jobs that ended first go first
};

/// Removes ended jobs past `limits`, by `remove`, which takes their objects along. References are borrowed.
Periodic retention(store::JobStore& jobs, storage::ObjectStore& objects, RetentionLimits limits,
                   std::function<Status(const store::JobId&)> remove);

/// Removes what a server that was killed left of jobs that are not there: their objects, their work folders,
/// and queries that no job took. Made before jobs are submitted: only queries that lie there now are looked
/// at. References are borrowed. Errors: those of listing.
Result<Periodic> sweep(store::JobStore& jobs, storage::ObjectStore& objects, std::filesystem::path work);

/// Keeps what all of `objects` take below `most_bytes`: for objects that are made anew when somebody asks for
/// them. Those that came first go first. Looks each minute; what came since the last look stays until the
/// next, for somebody may be about to read it, and so does the newest of all. A store tells no times: what
/// lies there at first counts as new. `objects` is borrowed.
Periodic bound_made(storage::ObjectStore& objects, std::uint64_t most_bytes);

}  // namespace loom::sched
