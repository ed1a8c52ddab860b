#pragma once
#include <vector>

#include "service/job_service.hpp"

namespace loom::service {

/// Puts into words how a job stands. `tasks`: the first ones. Pure.
Explanation explain_job(const store::Job& job, const std::vector<store::Task>& tasks,
                        const sched::Standing& standing);

}  // namespace loom::service
