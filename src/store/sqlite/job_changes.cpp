#include "store/sqlite/job_changes.hpp"

namespace loom::store::sqlite {
namespace {

Status insert_event(Connection& db, const JobRow& row, const Happening& happening) {
  const Job& job = row.job;
  return db.run(
      "INSERT INTO events(job, seq, at, kind, state, task, tasks_total, tasks_done, letters_total, "
      "letters_done, failure_kind, failure_sentence) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
      row.number, job.version, happening.at, happening.kind, job.state, happening.task, job.tasks_total,
      job.tasks_done, job.letters_total, job.letters_done, happening.failure.kind,
      happening.failure.sentence);
}

/// The columns that a move changes. Apart from the others, because an UPDATE that names `state` rewrites the
/// indexes that hold it.
Status write_state(Connection& db, const JobRow& row) {
  const Job& job = row.job;
  return db.run(
      "UPDATE jobs SET state=?, started=?, finished=?, failure_kind=?, failure_sentence=? WHERE number=?",
      job.state, job.started, job.finished, job.failure.kind, job.failure.sentence, row.number);
}

Status write_progress(Connection& db, const JobRow& row) {
  const Job& job = row.job;
  return db.run(
      "UPDATE jobs SET tasks_total=?, tasks_done=?, letters_total=?, letters_done=?, version=? "
      "WHERE number=?",
      job.tasks_total, job.tasks_done, job.letters_total, job.letters_done, job.version, row.number);
}

Result<JobRow> insert_job(Connection& db, const NewJob& job, UnixTime now) {
  JobRow row{0, Job{.id = JobId::random(), .request = job, .created = now, .version = 1}};
  LOOM_CHECKED(db.run(
      "INSERT INTO jobs(id, owner, title, program, database, options, query_key, queries, letters, sha256, "
      "priority, state, created, version) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      row.job.id, job.owner, job.title, job.program, job.database, job.options, job.query_key, job.queries,
      job.letters, job.sha256, job.priority, row.job.state, now, row.job.version));
  row.number = db.last_row();
  row.job.request.query.clear();
  if (job.query_key.empty())
    LOOM_CHECKED(db.run("INSERT INTO queries(job, text) VALUES(?, cast(? AS BLOB))", row.number, job.query));
  return row;
}

Status insert_tasks(Connection& db, JobRow& row, std::span<const NewTask> tasks) {
  if (!tasks.empty() && row.job.tasks_total != 0)
    return error(Code::conflict, "job {} has {} tasks already", row.job.id.str(), row.job.tasks_total);
  for (const NewTask& task : tasks) {
    LOOM_CHECKED(db.run(
        "INSERT INTO tasks(job, number, first_query, queries, letters, shard, spec) VALUES(?,?,?,?,?,?,?)",
        row.number, row.job.tasks_total, task.first_query, task.queries, task.letters, task.shard,
        task.spec));
    ++row.job.tasks_total;
    row.job.letters_total += task.letters;
  }
  return ok();
}

static_assert(may_move(TaskState::leased, TaskState::ready) && may_move(TaskState::failed, TaskState::ready),
              "what end_leases and ready_again do");

Status end_leases(Connection& db, std::int64_t job) {
  return db.run(
      "UPDATE tasks SET state='ready', lease_owner='', lease_token='', lease_until=NULL "
      "WHERE job=? AND state='leased'",
      job);
}

/// For a retry. No task is leased then: the job was not running.
Status ready_again(Connection& db, std::int64_t job) {
  return db.run(
      "UPDATE tasks SET state='ready', attempts=0, failure_kind='', failure_sentence='' "
      "WHERE job=? AND state IN ('ready', 'failed')",
      job);
}

/// Tasks follow their job.
Status move_tasks(Connection& db, const JobRow& row, JobState to) {
  if (row.job.state == JobState::running) return end_leases(db, row.number);
  if (to == JobState::queued) return ready_again(db, row.number);
  return ok();
}

Status move(Connection& db, JobRow& row, JobState to, const Failure& failure, UnixTime now) {
  LOOM_CHECKED(check_move(row.job, to));
  LOOM_CHECKED(move_tasks(db, row, to));
  row.job.state = to;
  row.job.failure = to == JobState::failed ? failure : Failure{};
  if (to == JobState::queued) row.job.started.reset();
  if (to == JobState::running) row.job.started = now;
  row.job.finished = is_final(to) ? std::optional(now) : std::nullopt;
  LOOM_CHECKED(write_state(db, row));
  return save(db, row, {EventKind::moved, now, std::nullopt, row.job.failure});
}

Status write_metrics(Connection& db, JobRow& row, const RuntimeMetrics& metrics) {
  row.job.metrics = metrics;
  return db.run(
      "UPDATE jobs SET cpu_seconds=?, wall_seconds=?, peak_bytes=?, searched_letters=? WHERE number=?",
      metrics.cpu_seconds, metrics.wall_seconds, metrics.peak_bytes, metrics.letters, row.number);
}

}  // namespace

Result<std::optional<Job>> find_repeated(Connection& db, std::string_view owner, const Idempotency& once) {
  LOOM_TRY(Statement found, db.query("SELECT fingerprint, " LOOM_JOB_COLUMNS
                                     " FROM idempotency JOIN jobs ON jobs.number = idempotency.job "
                                     "WHERE idempotency.owner = ? AND token = ?",
                                     owner, once.key));
  LOOM_TRY(const Step step, found.step());
  if (step == Step::done) return std::optional<Job>();
  const bool same = found.text() == once.fingerprint;
  LOOM_TRY(JobRow row, read_job(found));
  if (same) return std::optional(std::move(row.job));
  return error(Code::conflict,
               "idempotency key '{}' was used for another request, job {}; use a new key for a new request",
               once.key, row.job.id.str());
}

Status save(Connection& db, JobRow& row, const Happening& happening) {
  LOOM_CHECKED(tell(db, row, happening));
  return write_progress(db, row);
}

Status tell(Connection& db, JobRow& row, const Happening& happening) {
  ++row.job.version;
  return insert_event(db, row, happening);
}

Status write_job(Connection& db, const JobRow& row) {
  LOOM_CHECKED(write_state(db, row));
  return write_progress(db, row);
}

Status check_move(const Job& job, JobState to) {
  if (!may_move(job.state, to)) return move_refused(job.id, job.state, to);
  if (to == JobState::merging && job.tasks_done != job.tasks_total)
    return error(Code::conflict, "job {} is running and cannot become merging: {} of {} tasks are done",
                 job.id.str(), job.tasks_done, job.tasks_total);
  return ok();
}

Result<Submitted> submit(Connection& db, const NewJob& job, const std::optional<Idempotency>& once,
                         UnixTime now) {
  if (!job.query.empty() && !job.query_key.empty())
    return error(Code::invalid_argument, "a job has its query in the store or under a key, not both");
  if (job.query.size() > kMostQueryBytes)
    return error(Code::invalid_argument, "a query of {} bytes is too large for the store; at most {}",
                 job.query.size(), kMostQueryBytes);
  if (once) {
    LOOM_TRY(std::optional<Job> before, find_repeated(db, job.owner, *once));
    if (before) return Submitted{*std::move(before), Submitted::Outcome::repeated};
  }
  LOOM_TRY(JobRow row, insert_job(db, job, now));
  LOOM_CHECKED(insert_event(db, row, {EventKind::submitted, now, std::nullopt, {}}));
  if (once)
    LOOM_CHECKED(db.run("INSERT INTO idempotency(owner, token, fingerprint, job) VALUES(?,?,?,?)", job.owner,
                        once->key, once->fingerprint, row.number));
  return Submitted{std::move(row.job), Submitted::Outcome::created};
}

Result<Job> start(Connection& db, const JobId& id, std::span<const NewTask> tasks, UnixTime now) {
  LOOM_TRY(JobRow row, find_job(db, id));
  LOOM_CHECKED(check_move(row.job, JobState::running));
  LOOM_CHECKED(insert_tasks(db, row, tasks));
  LOOM_CHECKED(move(db, row, JobState::running, {}, now));
  return std::move(row.job);
}

Result<Job> move_job(Connection& db, const JobId& id, JobState to, const Failure& failure, UnixTime now) {
  LOOM_TRY(JobRow row, find_job(db, id));
  LOOM_CHECKED(move(db, row, to, failure, now));
  return std::move(row.job);
}

Result<Job> complete_job(Connection& db, const JobId& id, const RuntimeMetrics& metrics, UnixTime now) {
  LOOM_TRY(JobRow row, find_job(db, id));
  LOOM_CHECKED(move(db, row, JobState::completed, {}, now));
  LOOM_CHECKED(write_metrics(db, row, metrics));
  return std::move(row.job);
}

Result<Job> cancel(Connection& db, const JobId& id, UnixTime now) {
  LOOM_TRY(JobRow row, find_job(db, id));
  if (row.job.state != JobState::cancelled) LOOM_CHECKED(move(db, row, JobState::cancelled, {}, now));
  return std::move(row.job);
}

Status remove(Connection& db, const JobId& id) {
  LOOM_TRY(const JobRow row, find_job(db, id));
  if (!is_final(row.job.state))
    return error(Code::conflict, "job {} is {} and cannot be removed; cancel it first", id.str(),
                 name(row.job.state));
  return db.run("DELETE FROM jobs WHERE number = ?", row.number);
}

Result<Job> set_metrics(Connection& db, const JobId& id, const RuntimeMetrics& metrics, UnixTime now) {
  LOOM_TRY(JobRow row, find_job(db, id));
  if (row.job.state != JobState::completed)
    return error(Code::conflict, "job {} is {}; only a completed job has metrics", id.str(),
                 name(row.job.state));
  LOOM_CHECKED(write_metrics(db, row, metrics));
  LOOM_CHECKED(save(db, row, {EventKind::measured, now, std::nullopt, {}}));
  return std::move(row.job);
}

Result<Leadership> try_lead(Connection& db, std::string_view name, std::string_view holder, UnixTime now,
                            UnixTime until) {
  LOOM_CHECKED(db.run(
      "INSERT INTO leaders(name, holder, until, term) VALUES(?1, ?2, ?3, 1) ON CONFLICT(name) DO UPDATE SET "
      "term = term + (holder <> excluded.holder), holder = excluded.holder, until = excluded.until "
      "WHERE holder = excluded.holder OR until <= ?4",
      name, holder, until, now));
  LOOM_TRY(Statement found, db.query("SELECT holder, until, term FROM leaders WHERE name = ?", name));
  LOOM_CHECKED(found.step());
  Leadership leads;
  leads.holder = found.text();
  leads.until = found.time();
  leads.term = found.integer<std::uint64_t>();
  return leads;
}

}  // namespace loom::store::sqlite
