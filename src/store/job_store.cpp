#include "store/job_store.hpp"

namespace loom::store {

Error no_such_job(const JobId& id) {
  return error(Code::not_found, "no job {}", id.str());
}

Error move_refused(const JobId& id, JobState from, JobState to) {
  return error(Code::conflict, "job {} is {} and cannot become {}", id.str(), name(from), name(to));
}

Error lease_lost(const TaskId& task, JobState job, TaskState state) {
  return error(Code::conflict,
               "the lease of task {} was lost (the job is {}, the task {}); drop what it made", task.str(),
               name(job), name(state));
}

Status check_limit(std::size_t limit) {
  if (limit >= 1 && limit <= kMostRows) return ok();
  return error(Code::invalid_argument, "a limit of {} is outside 1 to {}", limit, kMostRows);
}

}  // namespace loom::store
