#pragma once
#include <filesystem>
#include <functional>

#include "sched/beat.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::sched {

/// What ended jobs may take. 0 is no limit.
struct RetentionLimits {
  int days = 0;             ///< after their end
  std::uint64_t bytes = 0;  ///< of all objects together: the jobs that ended first go first
};

/// Removes ended jobs past `limits`, by `remove`, which takes their objects along. References are borrowed.
Periodic retention(store::JobStore& jobs, storage::ObjectStore& objects, RetentionLimits limits,
                   std::function<Status(const store::JobId&)> remove);

/// Removes what a server that was killed left of jobs that are not there: their objects, their work folders,
/// and queries that no job took. Made before jobs are submitted: only queries that lie there now are looked
/// at, and only if this server is `alone`: another one may be about to submit theirs. References are
/// borrowed. Errors: those of listing.
Result<Periodic> sweep(store::JobStore& jobs, storage::ObjectStore& objects, std::filesystem::path work,
                       bool alone = true);

}  // namespace loom::sched
