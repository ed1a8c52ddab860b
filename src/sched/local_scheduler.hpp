#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "sched/active_job.hpp"
#include "sched/cost_model.hpp"
#include "sched/fair_share.hpp"
#include "sched/job_claims.hpp"
#include "sched/scheduler.hpp"
#include "sched/waiting_jobs.hpp"
#include "search/coalesced.hpp"

namespace loom::sched {

/// The Scheduler on this machine: `cores` threads that take the next piece of work under one lock and run it
/// without. Sources: local_scheduler.cpp (choosing), job_work.cpp (one job's work), group_work.cpp
/// (coalescing), job_sharing.cpp (several servers).
class LocalScheduler final : public Scheduler {
 public:
  LocalScheduler(store::JobStore& store, storage::ObjectStore& objects, exec::ProcessRunner& runner,
                 SchedulerOptions options);
  ~LocalScheduler() override;

  Status start() override;
  void stop(Duration grace) override;
  void queued(const store::Job& job) override;
  void forget(const store::JobId& id) override;
  void discard(const store::JobId& id) override;
  Status render(const store::Job& job, const std::string& outfmt, const storage::ObjectKey& key,
                Deadline deadline) override;
  [[nodiscard]] Standing standing(const store::JobId& id) const override;
  [[nodiscard]] SchedulerCounts counts() const override;
  [[nodiscard]] Unfinished unfinished(const std::string& owner) const override;
  Result<std::uint64_t> reconcile() override;
  void follow(const std::vector<store::Event>& events) override;

 private:
  /// Something for one worker thread.
  struct Work {
    enum class Kind { prepare, step, finish, group } kind = Kind::prepare;
    std::vector<ActivePtr> jobs;  ///< one, but for a group
    int cores = 1;
    std::uint64_t database = 0;
    double charged = 0;
  };

  // local_scheduler.cpp
  void work_loop();
  std::optional<Work> take() REQUIRES(mutex_);
  Work claim(const ActivePtr& job) REQUIRES(mutex_);
  void gather(Work& work) REQUIRES(mutex_);
  [[nodiscard]] std::vector<Candidate> candidates(std::vector<ActivePtr>& jobs) const REQUIRES(mutex_);
  void give_back(const Work& work) REQUIRES(mutex_);
  Result<ActivePtr> make_active(const store::Job& job) const;
  void add(const ActivePtr& job) REQUIRES(mutex_);
  void drop(const ActivePtr& job) REQUIRES(mutex_);
  void wait(const ActivePtr& job) REQUIRES(mutex_);
  void begin(const ActivePtr& job) REQUIRES(mutex_);
  [[nodiscard]] double remaining_seconds(const ActiveJob& job) const REQUIRES(mutex_);
  Status take_up(store::JobState state);
  Status clean_up();
  /// For folders that other servers must not take for theirs.
  [[nodiscard]] std::string own_name() const { return name_.substr(name_.find('/') + 1); }

  // job_work.cpp
  /// Room on the disk, kept so that a job which failed because there was none left can be said to have
  /// failed.
  void keep_ballast() const;
  /// Says so in the store, now or, when it cannot be written, with the next reconcile().
  void say_failed(const store::JobId& id, const store::Failure& words);
  void prepare(const ActivePtr& job);
  Status read_and_plan(const ActivePtr& job);
  Status plan_in_store(const ActivePtr& job, const std::vector<store::Task>& known);
  /// The query as a file of the work folder, whole.
  Status fetch_query(const store::Job& job, const std::filesystem::path& target);
  void begin_steps(const ActivePtr& job, const std::vector<store::Task>& known) REQUIRES(mutex_);
  void step(const Work& work);
  Result<std::pair<std::size_t, std::optional<store::Lease>>> lease_step(const ActivePtr& job,
                                                                         std::uint32_t& attempts);
  void step_done(const ActivePtr& job, std::size_t index, const store::Lease* lease,
                 const search::TaskUse& use);
  void step_failed(const ActivePtr& job, std::size_t index, const store::Lease* lease, std::uint32_t attempts,
                   const Error& why, const std::optional<exec::Failure>& failure);
  void unclaim(const ActivePtr& job, std::size_t index) REQUIRES(mutex_);
  void finish(const ActivePtr& job);
  Status put_output(const ActivePtr& job);
  Status complete(const store::JobId& id, const std::optional<store::RuntimeMetrics>& used);
  void fail(const ActivePtr& job, const Error& why, const std::optional<exec::Failure>& failure = {});

  // job_sharing.cpp
  enum class Turn { ours, not_ours };
  /// Before anything of a job is done: whether this server does it. Reads again what others did of it.
  Result<Turn> take_over(const ActivePtr& job);
  /// Someone ended its lease: it is to be run again, unless the job is over or the task done.
  void lease_gone(const ActivePtr& job, std::size_t index);
  void follow_loop();
  void take_news() EXCLUDES(mutex_);
  void claim_left() EXCLUDES(mutex_);

  // group_work.cpp
  void run_group(const Work& work);
  Result<search::TaskUse> ride(const Work& work, const std::filesystem::path& folder,
                               std::vector<ActivePtr>& left);
  Status deliver(const ActivePtr& job, const search::Coalesced& together, std::size_t rider,
                 const std::filesystem::path& folder, const store::RuntimeMetrics& metrics);

  [[nodiscard]] store::UnixTime now() const;
  [[nodiscard]] Deadline soon() const { return Deadline::in(std::chrono::seconds(30)); }

  std::stop_source group_stop_;  // the server stops
  store::JobStore& store_;
  storage::ObjectStore& objects_;
  exec::ProcessRunner& runner_;
  const SchedulerOptions options_;
  const std::string name_;             // of this run of the server, as lease owner
  std::shared_ptr<JobClaims> claims_;  // null: the store is not shared

  mutable Mutex mutex_;
  CondVar changed_;
  std::map<store::JobId, ActivePtr> jobs_ GUARDED_BY(mutex_);
  WaitingJobs waiting_ GUARDED_BY(mutex_);                          // of jobs_ and renderings_
  std::map<std::uint64_t, ActivePtr> begun_ GUARDED_BY(mutex_);     // the others of them, by number
  std::map<std::string, ActivePtr> renderings_ GUARDED_BY(mutex_);  // by object key
  std::map<store::JobId, store::Failure> owed_ GUARDED_BY(mutex_);  // failures the store could not take yet
  std::map<std::string, std::uint64_t> unfinished_ GUARDED_BY(mutex_);  // jobs, by owner
  FairShare share_ GUARDED_BY(mutex_);
  CostModel costs_ GUARDED_BY(mutex_);
  SchedulerCounts counts_ GUARDED_BY(mutex_);
  std::map<std::uint64_t, int> read_ GUARDED_BY(mutex_);             // databases in use: by how many
  std::map<std::uint64_t, std::uint64_t> sizes_ GUARDED_BY(mutex_);  // of databases, bytes
  int cores_free_ GUARDED_BY(mutex_);
  std::uint64_t next_number_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  CondVar told_;
  std::vector<store::JobId> news_ GUARDED_BY(mutex_);  // jobs that others queued
  std::vector<std::jthread> threads_;
};

}  // namespace loom::sched
