#pragma once
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::service {

/// Ascending, each once. Errors: invalid_argument for one that is none of `job`'s queries.
Result<std::vector<std::uint64_t>> sorted_ordinals(const store::Job& job, std::vector<std::uint64_t> given);

/// `job` as if of its queries only those of `ordinals` (sorted) had been sent, byte for byte; they are kept
/// as object `key`. Both stores are asked for the job's own. Blocking: reads those up to the last one wanted.
/// Errors: conflict for a query set that cannot be taken apart; timed_out past `deadline`; those of the
/// stores.
Result<store::Job> with_queries(const store::Job& job, const std::vector<std::uint64_t>& ordinals,
                                const storage::ObjectKey& key, store::JobStore& jobs,
                                storage::ObjectStore& objects, Deadline deadline);

}  // namespace loom::service
