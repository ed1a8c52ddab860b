#include "store/sqlite/rows.hpp"

#include "store/job_store.hpp"

namespace loom::store::sqlite {
namespace {

/// `parse`d text of the next column.
template <class Parse>
auto parsed(Statement& row, Parse parse) -> Result<std::decay_t<decltype(*parse(std::string_view()))>> {
  const std::string text = row.text();
  const auto value = parse(text);
  if (value) return *value;
  return error(Code::corrupt, "job store: a row holds '{}'; restore the job store from a backup", text);
}

NewJob read_request(Statement& row) {
  NewJob request;
  request.owner = row.text();
  request.title = row.text();
  request.program = row.text();
  request.database = row.text();
  request.options = row.text();
  request.query_key = row.text();
  request.queries = row.integer<std::uint64_t>();
  request.letters = row.integer<std::uint64_t>();
  request.sha256 = row.text();
  request.priority = row.integer<std::int32_t>();
  return request;
}

std::optional<RuntimeMetrics> read_metrics(Statement& row) {
  if (row.next_is_null()) {
    row.skip(4);
    return std::nullopt;
  }
  RuntimeMetrics metrics;
  metrics.cpu_seconds = row.real();
  metrics.wall_seconds = row.real();
  metrics.peak_bytes = row.integer<std::uint64_t>();
  metrics.letters = row.integer<std::uint64_t>();
  return metrics;
}

Failure read_failure(Statement& row) {
  Failure failure;
  failure.kind = row.text();
  failure.sentence = row.text();
  return failure;
}

}  // namespace

Result<JobRow> read_job(Statement& row) {
  const auto number = row.integer<std::int64_t>();
  LOOM_TRY(JobId id, parsed(row, JobId::parse));
  Job job{.id = std::move(id)};
  job.request = read_request(row);
  LOOM_TRY(job.state, parsed(row, parse_job_state));
  job.tasks_total = row.integer<std::uint32_t>();
  job.tasks_done = row.integer<std::uint32_t>();
  job.letters_total = row.integer<std::uint64_t>();
  job.letters_done = row.integer<std::uint64_t>();
  job.created = row.time();
  job.started = row.maybe_time();
  job.finished = row.maybe_time();
  job.failure = read_failure(row);
  job.metrics = read_metrics(row);
  if (row.next_is_null())
    row.skip(1);
  else
    job.answer_bytes = row.integer<std::uint64_t>();
  job.reused = row.integer<int>() != 0;
  job.version = row.integer<std::uint64_t>();
  return JobRow{number, std::move(job)};
}

Result<TaskRow> read_task(Statement& row, const JobId& job) {
  Task task{.id = {job, row.integer<std::uint32_t>()}};
  task.work.first_query = row.integer<std::uint64_t>();
  task.work.queries = row.integer<std::uint64_t>();
  task.work.letters = row.integer<std::uint64_t>();
  task.work.shard = row.integer<std::uint32_t>();
  task.work.spec = row.text();
  LOOM_TRY(task.state, parsed(row, parse_task_state));
  task.attempts = row.integer<std::uint32_t>();
  task.lease_owner = row.text();
  task.lease_until = row.maybe_time();
  task.output_key = row.text();
  task.metrics = read_metrics(row);
  task.failure = read_failure(row);
  return TaskRow{std::move(task), row.text()};
}

Result<Event> read_event(Statement& row) {
  const auto order = row.integer<std::uint64_t>();
  LOOM_TRY(JobId id, parsed(row, JobId::parse));
  Event event{.order = order, .job = std::move(id)};
  event.owner = row.text();
  event.seq = row.integer<std::uint64_t>();
  event.at = row.time();
  LOOM_TRY(event.kind, parsed(row, parse_event_kind));
  LOOM_TRY(event.state, parsed(row, parse_job_state));
  if (row.next_is_null())
    row.skip(1);
  else
    event.task = row.integer<std::uint32_t>();
  event.tasks_total = row.integer<std::uint32_t>();
  event.tasks_done = row.integer<std::uint32_t>();
  event.letters_total = row.integer<std::uint64_t>();
  event.letters_done = row.integer<std::uint64_t>();
  event.failure = read_failure(row);
  return event;
}

Result<JobRow> find_job(Connection& db, const JobId& id) {
  LOOM_TRY(Statement found, db.query("SELECT " LOOM_JOB_COLUMNS " FROM jobs WHERE id = ?", id));
  LOOM_TRY(const Step step, found.step());
  if (step == Step::done) return no_such_job(id);
  return read_job(found);
}

Result<TaskRow> find_task(Connection& db, const JobRow& job, std::uint32_t index) {
  LOOM_TRY(Statement found, db.query("SELECT " LOOM_TASK_COLUMNS " FROM tasks WHERE job = ? AND number = ?",
                                     job.number, index));
  LOOM_TRY(const Step step, found.step());
  if (step == Step::done) return error(Code::not_found, "job {} has no task {}", job.job.id.str(), index);
  return read_task(found, job.job.id);
}

}  // namespace loom::store::sqlite
