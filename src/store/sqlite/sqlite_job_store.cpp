#include "store/sqlite/sqlite_job_store.hpp"

#include "store/sqlite/job_changes.hpp"
#include "store/sqlite/queries.hpp"
#include "store/sqlite/rows.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/task_changes.hpp"

namespace loom::store {

using sqlite::Connection;

namespace {

Result<std::vector<std::unique_ptr<Connection>>> open_readers(const std::filesystem::path& path,
                                                              const SqliteJobStore::Options& options) {
  std::vector<std::unique_ptr<Connection>> reading;
  while (reading.size() < options.readers) {
    LOOM_TRY(auto one, Connection::open(path, Connection::Mode::read, options.vfs));
    reading.push_back(std::move(one));
  }
  return reading;
}

Error only_reads() {
  return error(Code::forbidden, "the job store is open for reading only; ask the server that writes it");
}

}  // namespace

Result<std::unique_ptr<SqliteJobStore>> SqliteJobStore::open(const std::filesystem::path& path,
                                                             Options options) {
  LOOM_TRY(std::unique_ptr<Connection> writing, Connection::open(path, Connection::Mode::write, options.vfs));
  if (Status done = sqlite::migrate(*writing, sqlite::migrations()); !done)
    return std::move(done.error()).at("job store " + path.string());
  LOOM_TRY(auto reading, open_readers(path, options));
  auto writer = std::make_unique<sqlite::Writer>(std::move(writing), options.writer);
  return std::unique_ptr<SqliteJobStore>(
      new SqliteJobStore(std::move(writer), std::make_unique<sqlite::Ballast>(path.string() + "-ballast"),
                         nullptr, std::move(reading)));
}

Result<std::unique_ptr<SqliteJobStore>> SqliteJobStore::open_reading(const std::filesystem::path& path,
                                                                     Options options) {
  if (std::error_code unknown; !std::filesystem::exists(path, unknown))
    return error(Code::not_found, "there is no job store {}; start the server that writes it first",
                 path.string());
  LOOM_TRY(auto watching, Connection::open(path, Connection::Mode::read, options.vfs));
  if (Status fits = sqlite::check_version(*watching, sqlite::migrations()); !fits)
    return std::move(fits.error()).at("job store " + path.string());
  LOOM_TRY(auto reading, open_readers(path, options));
  auto watch = std::make_unique<sqlite::CommitWatch>(std::move(watching), options.look_every);
  return std::unique_ptr<SqliteJobStore>(
      new SqliteJobStore(nullptr, nullptr, std::move(watch), std::move(reading)));
}

void SqliteJobStore::look() {
  if (watch_) watch_->look();
}

void SqliteJobStore::on_commit(std::function<void()> told) {
  if (watch_) return watch_->on_commit(std::move(told));
  writer_->on_commit(std::move(told));
}

template <class Change>
auto SqliteJobStore::write(Deadline deadline, const Change& change)
    -> decltype(change(std::declval<Connection&>())) {
  if (!writer_) return only_reads();
  std::optional<decltype(change(std::declval<Connection&>()))> result;
  LOOM_CHECKED(writer_->run(
      [&](Connection& db) -> Status {
        result.emplace(change(db));
        return *result ? ok() : Status(result->error());
      },
      deadline));
  ballast_->keep();
  return *std::move(result);
}

template <class Change>
auto SqliteJobStore::write_when_full(Deadline deadline, const Change& change)
    -> decltype(change(std::declval<Connection&>())) {
  auto outcome = write(deadline, change);
  if (outcome || outcome.error().code != Code::disk_full) return outcome;
  ballast_->give_up();
  return write(deadline, change);
}

template <class Item, class Change>
auto SqliteJobStore::write_all(std::span<const Item> items, Deadline deadline, const Change& change)
    -> std::vector<decltype(change(std::declval<Connection&>(), items.front()))> {
  using Outcome = decltype(change(std::declval<Connection&>(), items.front()));
  if (!writer_) return std::vector<Outcome>(items.size(), Outcome(only_reads()));
  std::vector<std::optional<Outcome>> made(items.size());
  std::vector<sqlite::Writer::Change> changes;
  for (std::size_t i = 0; i < items.size(); ++i)
    changes.emplace_back([&change, &made, items, i](Connection& db) -> Status {
      made[i].emplace(change(db, items[i]));
      return *made[i] ? ok() : Status(made[i]->error());
    });
  const std::vector<Status> durable = writer_->run_all(changes, deadline);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < items.size(); ++i)
    outcomes.push_back(durable[i] ? *std::move(made[i]) : Outcome(durable[i].error()));
  return outcomes;
}

Status SqliteJobStore::verify(Deadline deadline) {
  return readers_.run(deadline, [](Connection& db) -> Status {
    LOOM_TRY(auto check, db.query("PRAGMA integrity_check(1)"));
    LOOM_CHECKED(check.step());
    const std::string found = check.text();
    if (found == "ok") return ok();
    return error(Code::corrupt, "job store: {}; restore the job store from a backup", found);
  });
}

Result<Submitted> SqliteJobStore::submit(const NewJob& job, const std::optional<Idempotency>& once,
                                         UnixTime now, Deadline deadline) {
  return write(deadline, [&](Connection& db) { return sqlite::submit(db, job, once, now); });
}

Result<std::optional<Job>> SqliteJobStore::submitted(std::string_view owner, const Idempotency& once,
                                                     Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::find_repeated(db, owner, once); });
}

Result<Job> SqliteJobStore::get(const JobId& id, Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) -> Result<Job> {
    LOOM_TRY(sqlite::JobRow row, sqlite::find_job(db, id));
    return std::move(row.job);
  });
}

Result<std::string> SqliteJobStore::query(const JobId& id, Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::query_of(db, id); });
}

Result<std::uint64_t> SqliteJobStore::users_of_query(std::string_view query_key, Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::users_of_query(db, query_key); });
}

Result<JobPage> SqliteJobStore::list(const JobFilter& filter, const std::optional<JobCursor>& after,
                                     std::size_t limit, Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::list(db, filter, after, limit); });
}

Result<JobCounts> SqliteJobStore::counts(Deadline deadline) {
  return readers_.run(deadline, [](Connection& db) { return sqlite::counts(db); });
}

Result<Job> SqliteJobStore::start(const JobId& id, std::span<const NewTask> tasks, UnixTime now,
                                  Deadline deadline) {
  return write(deadline, [&](Connection& db) { return sqlite::start(db, id, tasks, now); });
}

Result<Job> SqliteJobStore::complete_job(const JobId& id, const RuntimeMetrics& metrics, UnixTime now,
                                         Deadline deadline) {
  return write(deadline, [&](Connection& db) { return sqlite::complete_job(db, id, metrics, now); });
}

Result<Job> SqliteJobStore::move_job(const JobId& id, JobState to, const Failure& failure, UnixTime now,
                                     Deadline deadline) {
  const auto change = [&](Connection& db) { return sqlite::move_job(db, id, to, failure, now); };
  return is_final(to) ? write_when_full(deadline, change) : write(deadline, change);
}

Result<Job> SqliteJobStore::cancel(const JobId& id, UnixTime now, Deadline deadline) {
  return write_when_full(deadline, [&](Connection& db) { return sqlite::cancel(db, id, now); });
}

Result<Job> SqliteJobStore::retry(const JobId& id, UnixTime now, Deadline deadline) {
  return move_job(id, JobState::queued, {}, now, deadline);
}

Status SqliteJobStore::remove(const JobId& id, Deadline deadline) {
  return write_when_full(deadline, [&](Connection& db) { return sqlite::remove(db, id); });
}

Result<std::vector<Task>> SqliteJobStore::tasks(const JobId& id, std::uint32_t first, std::size_t limit,
                                                Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::tasks(db, id, first, limit); });
}

Result<std::vector<LeasedTask>> SqliteJobStore::lease_tasks(const JobId& id, std::string_view owner,
                                                            std::size_t limit, UnixTime until, UnixTime now,
                                                            Deadline deadline) {
  LOOM_CHECKED(check_limit(limit));
  return write(deadline,
               [&](Connection& db) { return sqlite::lease_tasks(db, id, owner, limit, until, now); });
}

Result<Lease> SqliteJobStore::renew(const Lease& lease, UnixTime until, Deadline deadline) {
  return write(deadline, [&](Connection& db) { return sqlite::renew(db, lease, until); });
}

Result<Job> SqliteJobStore::finish_task(const Lease& lease, std::string_view output_key,
                                        const RuntimeMetrics& metrics, UnixTime now, Deadline deadline) {
  return write(deadline,
               [&](Connection& db) { return sqlite::finish_task(db, lease, output_key, metrics, now); });
}

Status SqliteJobStore::fail_task(const Lease& lease, const Failure& failure, UnixTime now,
                                 Deadline deadline) {
  return write_when_full(deadline, [&](Connection& db) {
    return sqlite::give_up_task(db, lease, TaskState::failed, failure, now);
  });
}

Status SqliteJobStore::release_task(const Lease& lease, const Failure& failure, UnixTime now,
                                    Deadline deadline) {
  return write(deadline, [&](Connection& db) {
    return sqlite::give_up_task(db, lease, TaskState::ready, failure, now);
  });
}

Result<std::vector<Expired>> SqliteJobStore::expire_leases(UnixTime now, std::size_t limit,
                                                           Deadline deadline) {
  LOOM_CHECKED(check_limit(limit));
  return write(deadline, [&](Connection& db) { return sqlite::expire_leases(db, now, now, limit); });
}

Result<std::vector<Expired>> SqliteJobStore::end_leases(UnixTime now, std::size_t limit, Deadline deadline) {
  LOOM_CHECKED(check_limit(limit));
  return write(deadline,
               [&](Connection& db) { return sqlite::expire_leases(db, UnixTime::max(), now, limit); });
}

Result<std::vector<Event>> SqliteJobStore::read_events(const JobId& id, std::uint64_t after,
                                                       std::size_t limit, Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::read_events(db, id, after, limit); });
}

Result<std::vector<Event>> SqliteJobStore::read_all_events(std::uint64_t after, std::size_t limit,
                                                           Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::read_all_events(db, after, limit); });
}

Result<std::uint64_t> SqliteJobStore::last_order(Deadline deadline) {
  return readers_.run(deadline, [](Connection& db) -> Result<std::uint64_t> {
    // Not max(place): removed jobs take their events along, and orders are never used again.
    LOOM_TRY(const std::int64_t order,
             db.integer("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"));
    return static_cast<std::uint64_t>(order);
  });
}

std::vector<Result<BegunJob>> SqliteJobStore::begin_whole(std::span<const WholeJob> jobs,
                                                          std::string_view owner, UnixTime until,
                                                          UnixTime now, Deadline deadline) {
  return write_all(jobs, deadline, [&](Connection& db, const WholeJob& job) {
    return sqlite::begin_whole(db, job, owner, until, now);
  });
}

std::vector<Result<Job>> SqliteJobStore::end_whole(std::span<const WholeEnd> ends, UnixTime now,
                                                   Deadline deadline) {
  return write_all(ends, deadline,
                   [&](Connection& db, const WholeEnd& end) { return sqlite::end_whole(db, end, now); });
}

Result<Answer> SqliteJobStore::answer(const JobId& id, Deadline deadline) {
  return readers_.run(deadline, [&](Connection& db) { return sqlite::answer_of(db, id); });
}

Result<std::uint64_t> SqliteJobStore::answer_bytes(Deadline deadline) {
  return readers_.run(deadline, [](Connection& db) { return sqlite::answer_bytes(db); });
}

Result<JobPage> SqliteJobStore::jobs_without_metrics(const std::optional<JobCursor>& after, std::size_t limit,
                                                     Deadline deadline) {
  return readers_.run(deadline,
                      [&](Connection& db) { return sqlite::jobs_without_metrics(db, after, limit); });
}

Result<Job> SqliteJobStore::set_metrics(const JobId& id, const RuntimeMetrics& metrics, UnixTime now,
                                        Deadline deadline) {
  return write(deadline, [&](Connection& db) { return sqlite::set_metrics(db, id, metrics, now); });
}

Result<Leadership> SqliteJobStore::try_lead(std::string_view name, std::string_view holder, UnixTime now,
                                            UnixTime until, Deadline deadline) {
  return write(deadline, [&](Connection& db) { return sqlite::try_lead(db, name, holder, now, until); });
}

}  // namespace loom::store
