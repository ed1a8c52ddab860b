#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "exec/process_runner.hpp"
#include "sched/reuse.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"
#include "store/text_cache.hpp"

namespace loom::sched {

struct SchedulerOptions {
  int cores = 1;
  std::uint64_t memory_bytes = 0;         ///< for the databases of all that runs at once
  std::filesystem::path work;             ///< a folder for tasks under way, of this server alone
  std::map<std::string, double> weights;  ///< share of an owner; 1 if not named
  Duration lease = std::chrono::seconds(60);
  int tries = 3;  ///< of a task that is lost
  bool coalesce = true;
  ReuseOptions reuse{};
  /// Tasks run on machines of their own: each in one thread, with `memory_bytes` for its database alone.
  bool elsewhere = false;
  /// The store's jobs are another server's: only render() is done here.
  bool renders_only = false;
  /// For `elsewhere`: what the tasks of a job in this folder wait for; empty: nothing. Never blocks.
  std::function<std::string(const std::filesystem::path& folder)> waits_for = {};
};

/// Where a job stands, as far as only the scheduler knows.
struct Standing {
  std::optional<std::uint64_t> position;  ///< among waiting jobs of its owner, from 1
  std::string waits_for;                  ///< one clause; empty if it runs
  std::optional<double> eta_seconds;
  std::optional<double> eta_error;
  std::vector<std::string> plan;  ///< the plan's reasons, once it is made
};

/// For metrics: since the start, but for what is named a gauge.
struct SchedulerCounts {
  std::uint64_t tasks_done = 0;
  std::uint64_t tasks_failed = 0;
  std::uint64_t tasks_lost = 0;
  std::uint64_t processes = 0;       ///< engine runs
  std::uint64_t coalesced_jobs = 0;  ///< that rode with others
  double cpu_seconds = 0;
  std::uint64_t reused_jobs = 0;     ///< whose answer was known
  std::uint64_t reused_queries = 0;  ///< of jobs that had others to search
  Reuse::Counts reuse{};
  store::TextCache::Counts parts{};
  std::uint64_t waiting_jobs = 0;  ///< gauge
  std::uint64_t active_jobs = 0;   ///< gauge
  int cores_busy = 0;              ///< gauge
};

/// Runs the jobs of a store on this machine: plans them, leases their tasks, shares cores between owners and
/// jobs, puts outputs together, and goes on after a restart where the last server stopped. Thread-safe.
/// Blocking: start(), stop(), forget(), discard() on disk; the rest never for long.
class Scheduler {
 public:
  /// References are borrowed. Nothing runs before start().
  static std::unique_ptr<Scheduler> make(store::JobStore& store, storage::ObjectStore& objects,
                                         exec::ProcessRunner& runner, SchedulerOptions options);
  virtual ~Scheduler() = default;

  /// Takes up all jobs that are not final, unless it only renders: then it changes nothing in the store. No
  /// other server may use the store, but for those that only render. Errors: those of the store.
  virtual Status start() = 0;
  /// Starts nothing more, and whoever waits for a format is told so: unavailable. What runs goes on, and
  /// what is queued waits for the next start. For the moment when the server is told to stop: at once.
  virtual void close() = 0;
  /// As close(); what runs may take `grace` to finish, then goes back to be run again.
  virtual void stop(Duration grace) = 0;

  /// A job is queued, new or again.
  virtual void queued(const store::Job& job) = 0;
  /// A job was cancelled: what runs of it ends. What its tasks wrote stays, for a retry.
  virtual void forget(const store::JobId& id) = 0;
  /// A job was removed from the store: its working files go, and what is rendered of it ends. Who
  /// waits in render() gets not_found. Waits for an output that is just being written; after this
  /// the job gets no more objects, so those it has can be removed.
  virtual void discard(const store::JobId& id) = 0;

  /// Makes the output of a completed job in another format, as work of its owner. Blocks until it is there,
  /// as object `key`, or `deadline`: then timed_out, and the work goes on. Calls for one key share the work.
  /// Also: not_found when the job is removed meanwhile; unavailable when the work was stopped.
  virtual Status render(const store::Job& job, const std::string& outfmt, const storage::ObjectKey& key,
                        Deadline deadline) = 0;

  /// Whether a search of these queries would be answered by what an equal one wrote. Blocking: on disk.
  [[nodiscard]] virtual bool knows_answer(const JobSpec& spec, const std::string& query_sha256) = 0;

  [[nodiscard]] virtual Standing standing(const store::JobId& id) const = 0;
  [[nodiscard]] virtual SchedulerCounts counts() const = 0;
  /// Jobs of `owner` that are not final; of all owners.
  struct Unfinished {
    std::uint64_t of_owner = 0;
    std::uint64_t of_all = 0;
  };
  [[nodiscard]] virtual Unfinished unfinished(const std::string& owner) const = 0;
  /// Lengthens the leases of what runs and takes back those that ended; how many were taken back. For the
  /// beat.
  virtual Result<std::uint64_t> reconcile() = 0;
};

}  // namespace loom::sched
