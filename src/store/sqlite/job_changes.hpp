#pragma once
#include <optional>
#include <span>

#include "store/job_store.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/rows.hpp"

namespace loom::store::sqlite {

// The changes of JobStore that are about jobs, each inside the caller's transaction; an error leaves it to
// the caller to undo.

/// The job that `once` stands for, if there is one. Errors: conflict, when it was for another body.
Result<std::optional<Job>> find_repeated(Connection& db, std::string_view owner, const Idempotency& once);
Result<Submitted> submit(Connection& db, const NewJob& job, const std::optional<Idempotency>& once,
                         UnixTime now);
Result<Job> start(Connection& db, const JobId& id, std::span<const NewTask> tasks, UnixTime now);
Result<Job> move_job(Connection& db, const JobId& id, JobState to, const Failure& failure, UnixTime now);
Result<Job> complete_job(Connection& db, const JobId& id, const RuntimeMetrics& metrics, UnixTime now);
Result<Job> cancel(Connection& db, const JobId& id, UnixTime now);
Status remove(Connection& db, const JobId& id);
Result<Job> set_metrics(Connection& db, const JobId& id, const RuntimeMetrics& metrics, UnixTime now);
Result<Leadership> try_lead(Connection& db, std::string_view name, std::string_view holder, UnixTime now,
                            UnixTime until);

/// Refuses what the table of moves does not allow. Errors: conflict.
Status check_move(const Job& job, JobState to);

/// What happened, for the event.
struct Happening {
  EventKind kind;
  UnixTime at;
  std::optional<std::uint32_t> task;
  Failure failure;
};
/// Writes how `row.job` stands now, with its next version, and the event that tells of it: the one way in
/// which a job changes. `row.job` then has that version.
Status save(Connection& db, JobRow& row, const Happening& happening);
/// As save(), but for the row of `row.job`, which is still to be written: several changes of one job then
/// cost one write. `row.job` then has its next version.
Status tell(Connection& db, JobRow& row, const Happening& happening);
/// Writes all of a job that may change but its metrics.
Status write_job(Connection& db, const JobRow& row);

}  // namespace loom::store::sqlite
