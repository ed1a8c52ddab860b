#include "sched/task_records.hpp"

#include <algorithm>

namespace loom::sched {

Result<std::vector<store::Task>> all_tasks(store::JobStore& store, const store::JobId& id,
                                           Deadline deadline) {
  std::vector<store::Task> tasks;
  for (;;) {
    LOOM_TRY(const auto page,
             store.tasks(id, static_cast<std::uint32_t>(tasks.size()), store::kMostRows, deadline));
    tasks.insert(tasks.end(), page.begin(), page.end());
    if (page.size() < store::kMostRows) return tasks;
  }
}

store::RuntimeMetrics sum_of(const std::vector<store::Task>& tasks) {
  store::RuntimeMetrics sum;
  for (const store::Task& task : tasks) {
    if (!task.metrics) continue;
    sum.cpu_seconds += task.metrics->cpu_seconds;
    sum.wall_seconds += task.metrics->wall_seconds;
    sum.peak_bytes = std::max(sum.peak_bytes, task.metrics->peak_bytes);
    sum.letters += task.metrics->letters;
  }
  return sum;
}

}  // namespace loom::sched
