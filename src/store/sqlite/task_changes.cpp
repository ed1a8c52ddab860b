#include "store/sqlite/task_changes.hpp"

#include "base/check.hpp"
#include "base/random.hpp"
#include "store/sqlite/job_changes.hpp"
#include "store/sqlite/rows.hpp"

namespace loom::store::sqlite {
namespace {

/// Writes what a move changes in a task.
Status save_task(Connection& db, std::int64_t job, const TaskRow& row) {
  const Task& task = row.task;
  return db.run(
      "UPDATE tasks SET state=?, attempts=?, lease_owner=?, lease_token=?, lease_until=?, failure_kind=?, "
      "failure_sentence=? WHERE job=? AND number=?",
      task.state, task.attempts, task.lease_owner, row.token, task.lease_until, task.failure.kind,
      task.failure.sentence, job, task.id.index);
}

void move_task(Task& task, TaskState to) {
  LOOM_CHECK(may_move(task.state, to), "tasks move by their table");
  task.state = to;
}

void end_lease(TaskRow& row, TaskState to, const Failure& failure) {
  move_task(row.task, to);
  row.task.lease_owner.clear();
  row.task.lease_until.reset();
  row.task.failure = failure;
  row.token.clear();
}

Result<std::vector<TaskRow>> ready_tasks(Connection& db, const JobRow& job, std::size_t limit) {
  LOOM_TRY(Statement rows, db.query("SELECT " LOOM_TASK_COLUMNS
                                    " FROM tasks WHERE job = ? AND state = 'ready' ORDER BY number LIMIT ?",
                                    job.number, limit));
  std::vector<TaskRow> ready;
  for (;;) {
    LOOM_TRY(const Step step, rows.step());
    if (step == Step::done) return ready;
    LOOM_TRY(TaskRow row, read_task(rows, job.job.id));
    ready.push_back(std::move(row));
  }
}

Result<LeasedTask> lease_one(Connection& db, std::int64_t job, TaskRow row, std::string_view owner,
                             UnixTime until) {
  move_task(row.task, TaskState::leased);
  ++row.task.attempts;
  row.task.lease_owner = owner;
  row.task.lease_until = until;
  row.token = random_token();
  LOOM_CHECKED(save_task(db, job, row));
  return LeasedTask{Lease{row.task.id, std::string(owner), row.token, until}, std::move(row.task)};
}

/// A task and its job, as a holder of a lease finds them.
struct Held {
  JobRow job;
  TaskRow task;
  [[nodiscard]] Error lost() const { return lease_lost(task.task.id, job.job.state, task.task.state); }
};

/// Errors: not_found; conflict, when the lease is not the one that counts (or counted, for a done task).
Result<Held> find_held(Connection& db, const Lease& lease) {
  LOOM_TRY(JobRow job, find_job(db, lease.task.job));
  LOOM_TRY(TaskRow task, find_task(db, job, lease.task.index));
  Held held{std::move(job), std::move(task)};
  if (lease.token.empty() || held.task.token != lease.token) return held.lost();
  return held;
}

/// As find_held; also conflict when the task is done.
Result<Held> find_running(Connection& db, const Lease& lease) {
  LOOM_TRY(Held held, find_held(db, lease));
  if (held.task.task.state != TaskState::leased) return held.lost();
  return held;
}

/// Writes a task that is done, and counts it in its job, which is to be written.
Status write_done(Connection& db, Held& held, const Lease& lease, std::string_view output_key,
                  const RuntimeMetrics& metrics) {
  end_lease(held.task, TaskState::done, {});
  held.task.token = lease.token;  // knows a repeated call
  LOOM_CHECKED(save_task(db, held.job.number, held.task));
  ++held.job.job.tasks_done;
  held.job.job.letters_done += held.task.task.work.letters;
  return db.run(
      "UPDATE tasks SET output_key=?, cpu_seconds=?, wall_seconds=?, peak_bytes=?, searched_letters=? "
      "WHERE job=? AND number=?",
      output_key, metrics.cpu_seconds, metrics.wall_seconds, metrics.peak_bytes, metrics.letters,
      held.job.number, lease.task.index);
}

Status check_answer(const WholeEnd& end) {
  if (!end.answer || end.answer->output.size() + end.answer->messages.size() <= kMostAnswerBytes) return ok();
  return error(Code::invalid_argument, "an answer of {} bytes is too large for the store; at most {}",
               end.answer->output.size() + end.answer->messages.size(), kMostAnswerBytes);
}

Status keep_answer(Connection& db, JobRow& row, const Answer& answer) {
  row.job.answer_bytes = answer.output.size() + answer.messages.size();
  return db.run("INSERT INTO answers(job, output, messages) VALUES(?, cast(? AS BLOB), cast(? AS BLOB))",
                row.number, answer.output, answer.messages);
}

/// A job that runs and whose only task was just done: to its end, with two events and one write.
Result<Job> complete(Connection& db, JobRow& row, const WholeEnd& end, UnixTime now) {
  for (const JobState to : {JobState::merging, JobState::completed}) {
    LOOM_CHECKED(check_move(row.job, to));
    row.job.state = to;
    if (is_final(to)) row.job.finished = now;
    LOOM_CHECKED(tell(db, row, {EventKind::moved, now, std::nullopt, {}}));
  }
  if (end.answer) LOOM_CHECKED(keep_answer(db, row, *end.answer));
  row.job.reused = end.reused;
  row.job.metrics = end.metrics;
  LOOM_CHECKED(write_job(db, row));
  LOOM_CHECKED(db.run(
      "UPDATE jobs SET cpu_seconds=?, wall_seconds=?, peak_bytes=?, searched_letters=?, answer_bytes=?, "
      "reused=? WHERE number=?",
      end.metrics.cpu_seconds, end.metrics.wall_seconds, end.metrics.peak_bytes, end.metrics.letters,
      row.job.answer_bytes, static_cast<int>(row.job.reused), row.number));
  return std::move(row.job);
}

struct Overdue {
  JobId job;
  std::uint32_t index;
};

Result<std::vector<Overdue>> overdue_tasks(Connection& db, UnixTime now, std::size_t limit) {
  LOOM_TRY(Statement rows, db.query("SELECT jobs.id, tasks.number FROM tasks JOIN jobs ON "
                                    "jobs.number = tasks.job WHERE tasks.state = 'leased' AND "
                                    "lease_until <= ? ORDER BY lease_until, tasks.job, tasks.number LIMIT ?",
                                    now, limit));
  std::vector<Overdue> all;
  for (;;) {
    LOOM_TRY(const Step step, rows.step());
    if (step == Step::done) return all;
    LOOM_TRY(JobId id, JobId::parse(rows.text()));
    all.push_back({std::move(id), rows.integer<std::uint32_t>()});
  }
}

Result<Expired> expire_one(Connection& db, const Overdue& overdue, UnixTime now) {
  LOOM_TRY(JobRow job, find_job(db, overdue.job));
  LOOM_TRY(TaskRow row, find_task(db, job, overdue.index));
  const Task before = row.task;
  const Failure lost{"lost",
                     fmt::format("{} did not answer in time; the task will run again", before.lease_owner)};
  end_lease(row, TaskState::ready, lost);
  LOOM_CHECKED(save_task(db, job.number, row));
  LOOM_CHECKED(save(db, job, {EventKind::task_released, now, overdue.index, lost}));
  return Expired{Lease{before.id, before.lease_owner, "", before.lease_until.value_or(now)}, before.attempts};
}

}  // namespace

Result<std::vector<LeasedTask>> lease_tasks(Connection& db, const JobId& id, std::string_view owner,
                                            std::size_t limit, UnixTime until, UnixTime now) {
  LOOM_TRY(JobRow job, find_job(db, id));
  if (job.job.state != JobState::running)
    return error(Code::conflict, "job {} is {}; only a running job has tasks to lease", id.str(),
                 name(job.job.state));
  LOOM_TRY(std::vector<TaskRow> ready, ready_tasks(db, job, limit));
  std::vector<LeasedTask> leased;
  for (TaskRow& row : ready) {
    LOOM_TRY(LeasedTask one, lease_one(db, job.number, std::move(row), owner, until));
    LOOM_CHECKED(save(db, job, {EventKind::leased, now, one.task.id.index, {}}));
    leased.push_back(std::move(one));
  }
  return leased;
}

Result<Lease> renew(Connection& db, const Lease& lease, UnixTime until) {
  LOOM_TRY(Held held, find_running(db, lease));
  held.task.task.lease_until = until;
  LOOM_CHECKED(save_task(db, held.job.number, held.task));
  return Lease{lease.task, held.task.task.lease_owner, lease.token, until};
}

Result<Job> finish_task(Connection& db, const Lease& lease, std::string_view output_key,
                        const RuntimeMetrics& metrics, UnixTime now) {
  LOOM_TRY(Held held, find_held(db, lease));
  if (held.task.task.state == TaskState::done) return std::move(held.job.job);
  LOOM_CHECKED(write_done(db, held, lease, output_key, metrics));
  LOOM_CHECKED(save(db, held.job, {EventKind::task_done, now, lease.task.index, {}}));
  return std::move(held.job.job);
}

Result<BegunJob> begin_whole(Connection& db, const WholeJob& whole, std::string_view owner, UnixTime until,
                             UnixTime now) {
  LOOM_CHECKED(start(db, whole.id, std::span(&whole.task, 1), now));
  LOOM_TRY(std::vector<LeasedTask> leased, lease_tasks(db, whole.id, owner, 1, until, now));
  LOOM_CHECK(leased.size() == 1, "a job that was just started has its task to lease");
  LOOM_TRY(JobRow row, find_job(db, whole.id));
  return BegunJob{std::move(row.job), std::move(leased.front().lease)};
}

Result<Job> end_whole(Connection& db, const WholeEnd& end, UnixTime now) {
  LOOM_CHECKED(check_answer(end));
  std::optional<Lease> lease = end.lease;
  if (!lease) {
    LOOM_TRY(const BegunJob begun, begin_whole(db, {end.job, end.task}, "", now, now));
    lease = begun.lease;
  }
  LOOM_TRY(Held held, find_running(db, *lease));
  if (held.job.job.tasks_total != 1)
    return error(Code::conflict, "job {} has {} tasks, and not one", held.job.job.id.str(),
                 held.job.job.tasks_total);
  LOOM_CHECKED(write_done(db, held, *lease, end.output_key, end.metrics));
  LOOM_CHECKED(tell(db, held.job,
                    {end.reused ? EventKind::reused : EventKind::task_done, now, lease->task.index, {}}));
  return complete(db, held.job, end, now);
}

Status give_up_task(Connection& db, const Lease& lease, TaskState to, const Failure& failure, UnixTime now) {
  LOOM_TRY(Held held, find_running(db, lease));
  end_lease(held.task, to, failure);
  LOOM_CHECKED(save_task(db, held.job.number, held.task));
  const EventKind kind = to == TaskState::failed ? EventKind::task_failed : EventKind::task_released;
  return save(db, held.job, {kind, now, lease.task.index, failure});
}

Result<std::vector<Expired>> expire_leases(Connection& db, UnixTime ended_by, UnixTime now,
                                           std::size_t limit) {
  LOOM_TRY(const std::vector<Overdue> overdue, overdue_tasks(db, ended_by, limit));
  std::vector<Expired> all;
  for (const Overdue& one : overdue) {
    LOOM_TRY(Expired expired, expire_one(db, one, now));
    all.push_back(std::move(expired));
  }
  return all;
}

}  // namespace loom::store::sqlite
