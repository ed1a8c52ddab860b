#pragma once
#include <filesystem>
#include <memory>

#include "store/job_store.hpp"
#include "store/sqlite/ballast.hpp"
#include "store/sqlite/commit_watch.hpp"
#include "store/sqlite/readers.hpp"
#include "store/sqlite/writer.hpp"

namespace loom::store {

/// A JobStore in one SQLite file (doc/formats/store.md) with its -wal and -shm beside it. One thread writes,
/// and commits all changes that wait together; reads have connections of their own. Beside it lies -ballast,
/// which is given up when the disk is full for what ends or removes a job.
class SqliteJobStore final : public JobStore {
 public:
  struct Options {
    std::size_t readers = 4;  ///< reads at once; at least 1
    sqlite::Writer::Limits writer{};
    const char* vfs = nullptr;                   ///< SQLite's name of a file layer, for tests
    std::chrono::milliseconds look_every{1000};  ///< for what another process commits; of open_reading()
  };

  /// Opens the store, or makes an empty one; brings an older one to today's tables. Errors, with the path and
  /// the way out: corrupt; conflict when a newer release wrote it; not_found when its folder is missing;
  /// invalid_argument when it cannot be written or is a database of another program; disk_full.
  static Result<std::unique_ptr<SqliteJobStore>> open(const std::filesystem::path& path, Options options);
  static Result<std::unique_ptr<SqliteJobStore>> open(const std::filesystem::path& path) {
    return open(path, Options{});
  }
  /// Opens a store that another process writes, to read it beside that one: neither ever waits for the other.
  /// Every change is refused as forbidden; of commits one is told within `look_every`, or upon look().
  /// Errors, as of open(); also not_found when there is none; conflict when it does not have just today's
  /// tables.
  static Result<std::unique_ptr<SqliteJobStore>> open_reading(const std::filesystem::path& path,
                                                              Options options);
  static Result<std::unique_ptr<SqliteJobStore>> open_reading(const std::filesystem::path& path) {
    return open_reading(path, Options{});
  }
  /// Looks for commits now: who calls has heard of one. Of a store that this process writes: nothing. Never
  /// blocks.
  void look();
  /// Waits for the changes under way.
  ~SqliteJobStore() override = default;

  /// Reads the whole file. Errors: corrupt, with the first damage found.
  Status verify(Deadline deadline);

  Result<Submitted> submit(const NewJob& job, const std::optional<Idempotency>& once, UnixTime now,
                           Deadline deadline) override;
  Result<std::optional<Job>> submitted(std::string_view owner, const Idempotency& once,
                                       Deadline deadline) override;
  Result<Job> get(const JobId& id, Deadline deadline) override;
  Result<std::string> query(const JobId& id, Deadline deadline) override;
  Result<std::uint64_t> users_of_query(std::string_view query_key, Deadline deadline) override;
  Result<JobPage> list(const JobFilter& filter, const std::optional<JobCursor>& after, std::size_t limit,
                       Deadline deadline) override;
  Result<JobCounts> counts(Deadline deadline) override;
  Result<Job> start(const JobId& id, std::span<const NewTask> tasks, UnixTime now,
                    Deadline deadline) override;
  Result<Job> complete_job(const JobId& id, const RuntimeMetrics& metrics, UnixTime now,
                           Deadline deadline) override;
  Result<Job> move_job(const JobId& id, JobState to, const Failure& failure, UnixTime now,
                       Deadline deadline) override;
  Result<Job> cancel(const JobId& id, UnixTime now, Deadline deadline) override;
  Result<Job> retry(const JobId& id, UnixTime now, Deadline deadline) override;
  Status remove(const JobId& id, Deadline deadline) override;
  Result<std::vector<Task>> tasks(const JobId& id, std::uint32_t first, std::size_t limit,
                                  Deadline deadline) override;
  Result<std::vector<LeasedTask>> lease_tasks(const JobId& id, std::string_view owner, std::size_t limit,
                                              UnixTime until, UnixTime now, Deadline deadline) override;
  Result<Lease> renew(const Lease& lease, UnixTime until, Deadline deadline) override;
  Result<Job> finish_task(const Lease& lease, std::string_view output_key, const RuntimeMetrics& metrics,
                          UnixTime now, Deadline deadline) override;
  Status fail_task(const Lease& lease, const Failure& failure, UnixTime now, Deadline deadline) override;
  Status release_task(const Lease& lease, const Failure& failure, UnixTime now, Deadline deadline) override;
  Result<std::vector<Expired>> expire_leases(UnixTime now, std::size_t limit, Deadline deadline) override;
  Result<std::vector<Expired>> end_leases(UnixTime now, std::size_t limit, Deadline deadline) override;
  Result<std::vector<Event>> read_events(const JobId& id, std::uint64_t after, std::size_t limit,
                                         Deadline deadline) override;
  Result<std::vector<Event>> read_all_events(std::uint64_t after, std::size_t limit,
                                             Deadline deadline) override;
  Result<std::uint64_t> last_order(Deadline deadline) override;
  void on_commit(std::function<void()> told) override;
  std::vector<Result<BegunJob>> begin_whole(std::span<const WholeJob> jobs, std::string_view owner,
                                            UnixTime until, UnixTime now, Deadline deadline) override;
  std::vector<Result<Job>> end_whole(std::span<const WholeEnd> ends, UnixTime now,
                                     Deadline deadline) override;
  Result<Answer> answer(const JobId& id, Deadline deadline) override;
  Result<std::uint64_t> answer_bytes(Deadline deadline) override;
  Result<JobPage> jobs_without_metrics(const std::optional<JobCursor>& after, std::size_t limit,
                                       Deadline deadline) override;
  Result<Job> set_metrics(const JobId& id, const RuntimeMetrics& metrics, UnixTime now,
                          Deadline deadline) override;
  Result<Leadership> try_lead(std::string_view name, std::string_view holder, UnixTime now, UnixTime until,
                              Deadline deadline) override;

 private:
  SqliteJobStore(std::unique_ptr<sqlite::Writer> writer, std::unique_ptr<sqlite::Ballast> ballast,
                 std::unique_ptr<sqlite::CommitWatch> watch,
                 std::vector<std::unique_ptr<sqlite::Connection>> reading)
      : writer_(std::move(writer)),
        ballast_(std::move(ballast)),
        watch_(std::move(watch)),
        readers_(std::move(reading)) {}
  /// `change(Connection&)` on the writer's thread; what it returns, once that is durable.
  template <class Change>
  auto write(Deadline deadline, const Change& change)
      -> decltype(change(std::declval<sqlite::Connection&>()));
  /// As write(); also on a full disk, as long as there is ballast.
  template <class Change>
  auto write_when_full(Deadline deadline, const Change& change)
      -> decltype(change(std::declval<sqlite::Connection&>()));
  /// As write(), `change(Connection&, item)` for each of `items`, together.
  template <class Item, class Change>
  auto write_all(std::span<const Item> items, Deadline deadline, const Change& change)
      -> std::vector<decltype(change(std::declval<sqlite::Connection&>(), items.front()))>;

  // What writes, or what watches. The former closes last, and takes the -wal away.
  const std::unique_ptr<sqlite::Writer> writer_;
  const std::unique_ptr<sqlite::Ballast> ballast_;
  const std::unique_ptr<sqlite::CommitWatch> watch_;
  sqlite::Readers readers_;
};

}  // namespace loom::store
