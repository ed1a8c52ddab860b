#pragma once
#include <vector>

#include "store/job_store.hpp"

namespace loom::sched {

/// All tasks of a job, read page by page. Blocking. Errors: those of the store.
Result<std::vector<store::Task>> all_tasks(store::JobStore& store, const store::JobId& id, Deadline deadline);

/// What a job took, from the records of its tasks: sums, and the largest peak. Pure.
store::RuntimeMetrics sum_of(const std::vector<store::Task>& tasks);

}  // namespace loom::sched
