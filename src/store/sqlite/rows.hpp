#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "store/job.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store::sqlite {

// Columns and the functions that read them from a statement's row, in that order. Errors: corrupt, when a
// column holds what the store never writes.

/// A job and its row number, which all other tables refer to.
struct JobRow {
  std::int64_t number;
  Job job;
};

#define LOOM_JOB_COLUMNS                                                                                   \
  "jobs.number, jobs.id, jobs.owner, jobs.title, jobs.program, jobs.database, jobs.options, "              \
  "jobs.query_key, jobs.queries, jobs.letters, jobs.sha256, jobs.priority, jobs.state, jobs.tasks_total, " \
  "jobs.tasks_done, jobs.letters_total, jobs.letters_done, jobs.created, jobs.started, jobs.finished, "    \
  "jobs.failure_kind, jobs.failure_sentence, jobs.cpu_seconds, jobs.wall_seconds, jobs.peak_bytes, "       \
  "jobs.searched_letters, jobs.answer_bytes, jobs.reused, jobs.version"
Result<JobRow> read_job(Statement& row);

#define LOOM_TASK_COLUMNS                                                                                 \
  "number, first_query, queries, letters, shard, spec, state, attempts, lease_owner, lease_until, "       \
  "output_key, cpu_seconds, wall_seconds, peak_bytes, searched_letters, failure_kind, failure_sentence, " \
  "lease_token"
/// A task and the token of its lease, if it is leased or done.
struct TaskRow {
  Task task;
  std::string token;
};
Result<TaskRow> read_task(Statement& row, const JobId& job);

#define LOOM_EVENT_COLUMNS                                                                                 \
  "place, jobs.id, jobs.owner, seq, at, kind, events.state, task, events.tasks_total, events.tasks_done, " \
  "events.letters_total, events.letters_done, events.failure_kind, events.failure_sentence"
Result<Event> read_event(Statement& row);

/// Errors: not_found.
Result<JobRow> find_job(Connection& db, const JobId& id);
/// Errors: not_found.
Result<TaskRow> find_task(Connection& db, const JobRow& job, std::uint32_t index);

}  // namespace loom::store::sqlite
