#pragma once
#include <vector>

#include "service/job_service.hpp"

namespace loom::service {

/// Puts into words how a job stands. `tasks`: the first ones; `notes`: on what slowed them down. Pure.
Explanation explain_job(const store::Job& job, const std::vector<store::Task>& tasks,
                        const sched::Standing& standing, const std::vector<std::string>& notes);

}  // namespace loom::service
