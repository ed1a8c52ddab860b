#pragma once
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.hpp"
#include "base/result.hpp"

namespace loom::store {

/// Wall-clock time, as stored: milliseconds since 1970 UTC. Always passed in, so that tests choose it.
using UnixTime = std::chrono::sys_time<std::chrono::milliseconds>;
inline UnixTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// Spelt as on the wire and in the database.
enum class JobState { queued, running, merging, completed, failed, cancelled };
enum class TaskState { ready, leased, done, failed };

inline constexpr std::array kJobStates{JobState::queued,    JobState::running, JobState::merging,
                                       JobState::completed, JobState::failed,  JobState::cancelled};
inline constexpr std::array kTaskStates{TaskState::ready, TaskState::leased, TaskState::done,
                                        TaskState::failed};

/// All that can happen to a job. A lost task sends a part back, never the job; a retry queues it again.
inline constexpr std::array kJobMoves{
    std::pair{JobState::queued, JobState::running},    std::pair{JobState::queued, JobState::failed},
    std::pair{JobState::queued, JobState::cancelled},  std::pair{JobState::running, JobState::merging},
    std::pair{JobState::running, JobState::failed},    std::pair{JobState::running, JobState::cancelled},
    std::pair{JobState::merging, JobState::completed}, std::pair{JobState::merging, JobState::failed},
    std::pair{JobState::merging, JobState::cancelled}, std::pair{JobState::failed, JobState::queued},
    std::pair{JobState::cancelled, JobState::queued}};

/// All that can happen to a task. A lease that ends without an answer makes it ready again.
inline constexpr std::array kTaskMoves{
    std::pair{TaskState::ready, TaskState::leased}, std::pair{TaskState::leased, TaskState::ready},
    std::pair{TaskState::leased, TaskState::done}, std::pair{TaskState::leased, TaskState::failed},
    std::pair{TaskState::failed, TaskState::ready}};

constexpr bool may_move(JobState from, JobState to) {
  for (const auto& move : kJobMoves)
    if (move == std::pair{from, to}) return true;
  return false;
}
constexpr bool may_move(TaskState from, TaskState to) {
  for (const auto& move : kTaskMoves)
    if (move == std::pair{from, to}) return true;
  return false;
}

/// Whether nothing happens to it any more unless someone asks for a retry.
constexpr bool is_final(JobState state) {
  return state == JobState::completed || state == JobState::failed || state == JobState::cancelled;
}

std::string_view name(JobState state);
std::string_view name(TaskState state);
std::optional<JobState> parse_job_state(std::string_view text);
std::optional<TaskState> parse_task_state(std::string_view text);

/// The name of a job, for URLs too.
class JobId {
 public:
  static JobId random() { return JobId(random_token()); }
  /// Errors: invalid_argument unless `text` is 32 lower-case hex digits.
  static Result<JobId> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const { return text_; }
  friend auto operator<=>(const JobId&, const JobId&) = default;

 private:
  explicit JobId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// A task is the `index`-th of its job, from 0.
struct TaskId {
  JobId job;
  std::uint32_t index = 0;
  /// "JOB/INDEX"
  [[nodiscard]] std::string str() const { return fmt::format("{}/{}", job.str(), index); }
  friend auto operator<=>(const TaskId&, const TaskId&) = default;
};

/// Why something failed. `kind` is the class (input, memory, disk, engine, lost, timeout), `sentence` says
/// what a person can do. Both empty: nothing failed.
struct Failure {
  std::string kind;
  std::string sentence;
  friend bool operator==(const Failure&, const Failure&) = default;
};

/// What a task or a whole job took.
struct RuntimeMetrics {
  double cpu_seconds = 0;
  double wall_seconds = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t letters = 0;  ///< query letters searched
  friend bool operator==(const RuntimeMetrics&, const RuntimeMetrics&) = default;
};

/// The store keeps the query itself when it is as small as this: one durable write for all.
inline constexpr std::size_t kMostQueryBytes = std::size_t{64} << 10U;

/// What a search wrote: its output, and what the engine said.
struct Answer {
  std::string output;
  std::string messages;
  friend bool operator==(const Answer&, const Answer&) = default;
};
/// The store keeps an Answer that is as small as this, both texts together: no file, and no write of its own.
inline constexpr std::size_t kMostAnswerBytes = std::size_t{64} << 10U;

/// What a client asks for. Texts are UTF-8, but for `query`.
struct NewJob {
  std::string owner;
  std::string title;
  std::string program;
  std::string database;   ///< the pinned snapshot
  std::string options;    ///< JSON
  std::string query_key;  ///< where the query lies in the object store; empty: the store has it
  std::uint64_t queries = 0;
  std::uint64_t letters = 0;
  std::string sha256;         ///< of the query, hex
  std::int32_t priority = 0;  ///< greater goes first
  std::string query{};        ///< without a query_key; never in a Job: read it with JobStore::query
  friend bool operator==(const NewJob&, const NewJob&) = default;
};

struct Job {
  JobId id;
  NewJob request{};
  JobState state = JobState::queued;
  std::uint32_t tasks_total = 0;
  std::uint32_t tasks_done = 0;
  std::uint64_t letters_total = 0;  ///< of all tasks: a query counts once per shard
  std::uint64_t letters_done = 0;
  UnixTime created{};
  std::optional<UnixTime> started{};   ///< last time it began to run
  std::optional<UnixTime> finished{};  ///< exactly in a final state
  Failure failure{};                   ///< in state failed
  std::optional<RuntimeMetrics> metrics{};
  std::optional<std::uint64_t> answer_bytes{};  ///< the store has its Answer: read it with JobStore::answer
  bool reused = false;                          ///< its output is that of an earlier search of the same
  std::uint64_t version = 0;  ///< 1 when new, grows by 1 with every change; the `seq` of its last event
  friend bool operator==(const Job&, const Job&) = default;
};

/// A piece of a job: some of its queries against one shard of the database.
struct NewTask {
  std::uint64_t first_query = 0;  ///< from 0
  std::uint64_t queries = 0;
  std::uint64_t letters = 0;
  std::uint32_t shard = 0;
  std::string spec;  ///< JSON, for the worker
  friend bool operator==(const NewTask&, const NewTask&) = default;
};

struct Task {
  TaskId id;
  NewTask work{};
  TaskState state = TaskState::ready;
  std::uint32_t attempts = 0;             ///< leases given out since the job was queued
  std::string lease_owner{};              ///< in state leased
  std::optional<UnixTime> lease_until{};  ///< in state leased
  std::string output_key{};               ///< in state done: where its output lies in the object store
  std::optional<RuntimeMetrics> metrics{};
  Failure failure{};  ///< of the last attempt that failed, unless done
  friend bool operator==(const Task&, const Task&) = default;
};

/// The right to run a task. Whoever holds the token holds the lease; it is lost when the store gives the task
/// back or the job leaves the state running.
struct Lease {
  TaskId task;
  std::string owner;
  std::string token;
  UnixTime until{};
  friend bool operator==(const Lease&, const Lease&) = default;
};

enum class EventKind { submitted, moved, leased, task_done, task_released, task_failed, measured, reused };
std::string_view name(EventKind kind);
std::optional<EventKind> parse_event_kind(std::string_view text);

/// What happened to a job, and how the job stood after it.
struct Event {
  std::uint64_t order = 0;  ///< over all jobs, strictly increasing in the order of commits
  JobId job;
  std::string owner{};    ///< of the job
  std::uint64_t seq = 0;  ///< within the job: 1, 2, 3, …
  UnixTime at{};
  EventKind kind = EventKind::submitted;
  JobState state = JobState::queued;
  std::optional<std::uint32_t> task{};  ///< of leased, reused and the task_ events
  std::uint32_t tasks_total = 0;
  std::uint32_t tasks_done = 0;
  std::uint64_t letters_total = 0;
  std::uint64_t letters_done = 0;
  Failure failure{};  ///< of a failure or release
  friend bool operator==(const Event&, const Event&) = default;
};

static_assert(!may_move(JobState::completed, JobState::queued), "a completed job stays completed");
static_assert(!may_move(TaskState::done, TaskState::ready), "work that is done stays done");

}  // namespace loom::store
