#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/job.hpp"

namespace loom::store {

/// The most that one read or lease gives out.
inline constexpr std::size_t kMostRows = 500;

/// A client's promise that two submits with one key are one wish. `fingerprint` is of the request's body.
struct Idempotency {
  std::string key;
  std::string fingerprint;
};

struct Submitted {
  Job job;
  enum class Outcome { created, repeated } outcome;
};

/// All that is set must hold.
struct JobFilter {
  std::optional<std::string> owner{};
  std::optional<JobState> state{};
  std::optional<std::string> program{};
  std::optional<std::string> database{};
  std::optional<std::string> text{};  ///< somewhere in the title, ASCII case ignored; at least 3 characters
  std::optional<UnixTime> since{};    ///< created then or later
};

/// A place in the order (created, id). It need not be that of a job which still exists.
struct JobCursor {
  UnixTime created{};
  JobId id;
  friend auto operator<=>(const JobCursor&, const JobCursor&) = default;
};

struct JobPage {
  std::vector<Job> jobs;
  std::optional<JobCursor> next;  ///< unset: there are no more
};

struct LeasedTask {
  Lease lease;
  Task task;
};

/// A job that is one task, of which nothing has begun.
struct WholeJob {
  JobId id;
  NewTask task{};
};
struct BegunJob {
  Job job;
  Lease lease;
};

/// How a job of one task came to its good end.
struct WholeEnd {
  JobId job;
  /// Of the task; unset: the job is queued, and `task`, which was never run, is done at once.
  std::optional<Lease> lease{};
  NewTask task{};
  std::string output_key{};
  RuntimeMetrics metrics{};  ///< of the task, and so of the job
  bool reused = false;
  std::optional<Answer> answer{};  ///< what it wrote, if that is to be kept here
};

/// A task whose lease ran out.
struct Expired {
  Lease lease;                 ///< as it was; `token` is empty
  std::uint32_t attempts = 0;  ///< this one included
};

/// Jobs per state, in the order of kJobStates.
using JobCounts = std::array<std::uint64_t, kJobStates.size()>;

/// Who leads. `term` grows whenever the holder changes.
struct Leadership {
  std::string holder;
  UnixTime until{};
  std::uint64_t term = 0;
  friend bool operator==(const Leadership&, const Leadership&) = default;
};

/// Keeps jobs, their tasks, leases and events. Real: sqlite/. contract/job_store_test.cpp runs against it.
/// Every change of a job is one transaction that also writes its Event (a lease of several tasks: one each),
/// with seq == Job::version; states change only as the tables in job.hpp allow, checked in that transaction.
/// On success a change is durable and visible to every later read; on an error nothing was changed (but a
/// crash just after a failed disk write may show it done).
/// Thread-safety: all methods, from any thread, at once; reads never wait for changes.
/// Blocking: yes, on disk. `now` is wall-clock time, `deadline` when to give up before anything was done.
/// Errors common to all: timed_out, unavailable (too many at once; retryable), disk_full, corrupt, internal;
/// not_found for a job that is not there; invalid_argument for a limit outside 1 to kMostRows.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// A new job, queued. With `once`, a second submit of that owner and key gives the first one's job as it is
  /// now; conflict when the fingerprints differ. The key is free again when the job is removed. Also:
  /// invalid_argument for a job with both a query and a query_key, or a query over kMostQueryBytes.
  virtual Result<Submitted> submit(const NewJob& job, const std::optional<Idempotency>& once, UnixTime now,
                                   Deadline deadline) = 0;
  /// The job that a submit of `owner` with `once` made, if there was one. Also: conflict when it was for
  /// another body.
  virtual Result<std::optional<Job>> submitted(std::string_view owner, const Idempotency& once,
                                               Deadline deadline) = 0;
  virtual Result<Job> get(const JobId& id, Deadline deadline) = 0;
  /// The query of a job that has no query_key. Also: conflict for one that has.
  virtual Result<std::string> query(const JobId& id, Deadline deadline) = 0;
  /// How many jobs have this query_key, which is not empty.
  virtual Result<std::uint64_t> users_of_query(std::string_view query_key, Deadline deadline) = 0;
  /// Newest first: by (created, id), downwards from `after`. Reads no more than what matches; with `text`,
  /// all whose title matches. Also: invalid_argument for a `text` that is too short.
  virtual Result<JobPage> list(const JobFilter& filter, const std::optional<JobCursor>& after,
                               std::size_t limit, Deadline deadline) = 0;
  virtual Result<JobCounts> counts(Deadline deadline) = 0;

  /// queued -> running, with `tasks` in the order in which they will be leased. A retried job keeps the tasks
  /// it has: then `tasks` must be empty, or conflict.
  virtual Result<Job> start(const JobId& id, std::span<const NewTask> tasks, UnixTime now,
                            Deadline deadline) = 0;
  /// conflict, naming both states, when the table does not allow it, or merging is asked for before every
  /// task is done. Leaving `running` ends all leases; `failure` is kept in state failed only.
  virtual Result<Job> move_job(const JobId& id, JobState to, const Failure& failure, UnixTime now,
                               Deadline deadline) = 0;
  /// As move_job to completed, with its metrics: who sees it completed sees them.
  virtual Result<Job> complete_job(const JobId& id, const RuntimeMetrics& metrics, UnixTime now,
                                   Deadline deadline) = 0;
  /// As move_job to cancelled; what is cancelled already stays as it is.
  virtual Result<Job> cancel(const JobId& id, UnixTime now, Deadline deadline) = 0;
  /// As move_job to queued: tasks that are not done are ready again, with no attempts counted.
  virtual Result<Job> retry(const JobId& id, UnixTime now, Deadline deadline) = 0;
  /// Removes a job with its tasks, events and idempotency key. conflict unless its state is final.
  virtual Status remove(const JobId& id, Deadline deadline) = 0;

  /// Tasks from `first` on, by index.
  virtual Result<std::vector<Task>> tasks(const JobId& id, std::uint32_t first, std::size_t limit,
                                          Deadline deadline) = 0;
  /// Leases the next ready tasks until `until`, in order of index; none when nothing is ready. conflict
  /// unless the job is running.
  virtual Result<std::vector<LeasedTask>> lease_tasks(const JobId& id, std::string_view owner,
                                                      std::size_t limit, UnixTime until, UnixTime now,
                                                      Deadline deadline) = 0;
  /// The four below: conflict when the lease was lost. A lease past its time holds until expire_leases.
  /// renew is no change of the job.
  virtual Result<Lease> renew(const Lease& lease, UnixTime until, Deadline deadline) = 0;
  /// The job as it is after that. Repeating it with the same lease succeeds and changes nothing.
  virtual Result<Job> finish_task(const Lease& lease, std::string_view output_key,
                                  const RuntimeMetrics& metrics, UnixTime now, Deadline deadline) = 0;
  /// For good: the task is ready again only when the job is retried.
  virtual Status fail_task(const Lease& lease, const Failure& failure, UnixTime now, Deadline deadline) = 0;
  /// Back to ready, for another attempt.
  virtual Status release_task(const Lease& lease, const Failure& failure, UnixTime now,
                              Deadline deadline) = 0;
  /// Makes tasks ready whose lease ended at `now` or before, at most `limit`: by end of lease, then in the
  /// order of submission and index. Their failure is of kind "lost".
  virtual Result<std::vector<Expired>> expire_leases(UnixTime now, std::size_t limit, Deadline deadline) = 0;
  /// The same whenever the lease would end, of all owners: for a server that starts alone on this store, when
  /// every holder of a lease is gone.
  virtual Result<std::vector<Expired>> end_leases(UnixTime now, std::size_t limit, Deadline deadline) = 0;

  /// The events of a job with seq > `after`, in order. Not found: also a removed job.
  virtual Result<std::vector<Event>> read_events(const JobId& id, std::uint64_t after, std::size_t limit,
                                                 Deadline deadline) = 0;
  /// The events of all jobs with order > `after`, in order. Whoever reads on from the last order he saw
  /// misses none, except of jobs removed meanwhile.
  virtual Result<std::vector<Event>> read_all_events(std::uint64_t after, std::size_t limit,
                                                     Deadline deadline) = 0;

  /// The order of the newest event; 0 when there never was one.
  virtual Result<std::uint64_t> last_order(Deadline deadline) = 0;
  /// `told` is called after each commit that may have changed something, on a thread of the store: it must
  /// not block, nor call the store. One at a time; an empty one ends it, and then the old one is not called
  /// any more.
  virtual void on_commit(std::function<void()> told) = 0;

  /// start() of each with its one task, and a lease of that, all in one go: each has an answer, in the same
  /// order, and one that fails does not hinder the others. Also: conflict for a job that has tasks.
  virtual std::vector<Result<BegunJob>> begin_whole(std::span<const WholeJob> jobs, std::string_view owner,
                                                    UnixTime until, UnixTime now, Deadline deadline) = 0;
  /// finish_task(), moves to merging and completed, and metrics of each, all in one go as begin_whole. With
  /// `reused`, an event of that kind stands in place of task_done's. Also: conflict for a lost lease, a job
  /// of several tasks or one that is not queued as it should; invalid_argument for an answer over
  /// kMostAnswerBytes.
  virtual std::vector<Result<Job>> end_whole(std::span<const WholeEnd> ends, UnixTime now,
                                             Deadline deadline) = 0;
  /// What a job wrote, if it is kept here. Also: conflict if it is not.
  virtual Result<Answer> answer(const JobId& id, Deadline deadline) = 0;
  /// Of all answers together.
  virtual Result<std::uint64_t> answer_bytes(Deadline deadline) = 0;

  /// Completed jobs without metrics, oldest first: by (created, id), upwards from `after`.
  virtual Result<JobPage> jobs_without_metrics(const std::optional<JobCursor>& after, std::size_t limit,
                                               Deadline deadline) = 0;
  /// Also: conflict unless the job is completed.
  virtual Result<Job> set_metrics(const JobId& id, const RuntimeMetrics& metrics, UnixTime now,
                                  Deadline deadline) = 0;

  /// Makes `holder` lead until `until` if nobody else does at `now`, and says who leads after that.
  virtual Result<Leadership> try_lead(std::string_view name, std::string_view holder, UnixTime now,
                                      UnixTime until, Deadline deadline) = 0;
};

/// What stores say, in the same words.
Error no_such_job(const JobId& id);
Error move_refused(const JobId& id, JobState from, JobState to);
Error lease_lost(const TaskId& task, JobState job, TaskState state);
Status check_limit(std::size_t limit);

}  // namespace loom::store
