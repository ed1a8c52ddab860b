#include "service/explain.hpp"

#include <fmt/format.h>

#include "sched/job_spec.hpp"
#include "search/parts.hpp"

namespace loom::service {

namespace {

std::string advice_for(const std::string& kind) {
  if (kind == "input") return "Correct the query or the options and submit again.";
  if (kind == "memory")
    return "Ask the operator for more memory, or submit fewer or shorter queries; then retry.";
  if (kind == "disk") return "Free space on the server's disk, then retry: finished tasks are kept.";
  if (kind == "database") return "Check the database with blastdbcheck, then retry or submit again.";
  if (kind == "timeout") return "Submit fewer queries in a job, or retry when the server is less busy.";
  return "Retry: finished tasks are kept. If it fails again, tell the operator.";
}

std::string summary_of(const store::Job& job, const sched::Standing& standing) {
  switch (job.state) {
    case store::JobState::queued:
      if (!standing.position && !standing.waits_for.empty())
        return fmt::format("It waits for {}.", standing.waits_for);
      return standing.position ? fmt::format("It waits for {}, as number {} of its owner's.",
                                             standing.waits_for, *standing.position)
                               : "It is being read and planned.";
    case store::JobState::running:
      if (!standing.waits_for.empty())
        return fmt::format("It runs ({} of {} tasks are done) and waits for {}.", job.tasks_done,
                           job.tasks_total, standing.waits_for);
      return fmt::format("It runs: {} of {} tasks are done.", job.tasks_done, job.tasks_total);
    case store::JobState::merging:
      return "All tasks are done; the output is being put together.";
    case store::JobState::completed:
      if (job.reused)
        return fmt::format(
            "It is completed: {} queries, {} letters. Nothing was searched: an earlier search of the same "
            "queries, options and database had the same answer, byte for byte.",
            job.request.queries, job.request.letters);
      return fmt::format("It is completed: {} queries, {} letters, in {} tasks.", job.request.queries,
                         job.request.letters, job.tasks_total);
    case store::JobState::failed:
      return fmt::format("It failed ({}): {}", job.failure.kind, job.failure.sentence);
    case store::JobState::cancelled:
      return "It was cancelled.";
  }
  return {};
}

}  // namespace

Explanation explain_job(const store::Job& job, const std::vector<store::Task>& tasks,
                        const sched::Standing& standing, const std::vector<std::string>& notes) {
  Explanation result{.summary = summary_of(job, standing),
                     .reasons = standing.plan,
                     .advice = {},
                     .position = {},
                     .eta_seconds = {},
                     .eta_error = {}};
  if (const std::uint64_t known = sched::known_queries_of(tasks); known > 0 && standing.plan.empty())
    result.reasons.push_back(search::known_queries_told(known, job.request.queries));
  for (const std::string& note : notes) result.reasons.push_back(note);
  for (const store::Task& task : tasks) {
    if (task.failure.sentence.empty()) continue;
    result.reasons.push_back(
        fmt::format("Task {}, attempt {}: {}{}", task.id.index + 1, task.attempts, task.failure.sentence,
                    task.state == store::TaskState::failed ? "" : " It was tried again."));
  }
  if (job.state == store::JobState::failed) result.advice = advice_for(job.failure.kind);
  if (job.reused) result.advice = "To search again all the same, submit it with fresh set (--fresh).";
  if (job.state == store::JobState::cancelled) result.advice = "Retry to go on: finished tasks are kept.";
  result.position = standing.position;
  result.eta_seconds = standing.eta_seconds;
  result.eta_error = standing.eta_error;
  return result;
}

}  // namespace loom::service
