#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "sched/active_job.hpp"
#include "sched/known_parts.hpp"
#include "sched/scheduler.hpp"
#include "sched/work_board.hpp"
#include "search/coalesced.hpp"

namespace loom::sched {

/// The Scheduler on this machine: `cores` threads that take the next piece of work under one lock and run it
/// without. Sources: local_scheduler.cpp (taking what work_board.hpp chooses), job_work.cpp (one job's work),
/// group_work.cpp (coalescing), reuse_work.cpp (answers that are known).
class LocalScheduler final : public Scheduler {
 public:
  LocalScheduler(store::JobStore& store, storage::ObjectStore& objects, exec::ProcessRunner& runner,
                 SchedulerOptions options);
  ~LocalScheduler() override;

  Status start() override;
  void close() override;
  void stop(Duration grace) override;
  void queued(const store::Job& job) override;
  void forget(const store::JobId& id) override;
  void discard(const store::JobId& id) override;
  Status render(const store::Job& job, const std::string& outfmt, const storage::ObjectKey& key,
                Deadline deadline) override;
  [[nodiscard]] bool knows_answer(const JobSpec& spec, const std::string& query_sha256) override;
  [[nodiscard]] Standing standing(const store::JobId& id) const override;
  [[nodiscard]] SchedulerCounts counts() const override;
  [[nodiscard]] Unfinished unfinished(const std::string& owner) const override;
  Result<std::uint64_t> reconcile() override;

 private:
  // local_scheduler.cpp
  void work_loop();
  void stop_renderings() REQUIRES(mutex_);
  void do_work(const Work& work);
  /// `work` threw: its jobs fail for that reason. Once more would be no better.
  void give_up(const Work& work, const Error& why);
  std::optional<Work> take() REQUIRES(mutex_);
  void gather(Work& work) REQUIRES(mutex_);
  void give_back(const Work& work) REQUIRES(mutex_);
  Result<ActivePtr> make_active(const store::Job& job) const;
  void add(const ActivePtr& job) REQUIRES(mutex_);
  void drop(const ActivePtr& job) REQUIRES(mutex_);
  /// Whoever waits for the rendering gets `outcome`, unless it has one.
  void end_rendering(const ActivePtr& job, const Status& outcome) REQUIRES(mutex_);
  /// All of a job; then none of them writes any more.
  void end_renderings(const store::JobId& id, const Error& why);
  void expect(const ActiveJob& job, Standing& standing) const REQUIRES(mutex_);
  [[nodiscard]] double remaining_seconds(const ActiveJob& job) const REQUIRES(mutex_);
  Status take_up(store::JobState state);
  Status take_over();

  // job_work.cpp
  /// A job that failed has what the engine said last for its messages.
  void keep_said(const store::JobId& id, const std::string& said);
  /// Says so in the store, now or, when it cannot be written, with the next reconcile().
  void say_failed(const store::JobId& id, const store::Failure& words);
  void prepare(const ActivePtr& job);
  void render_archive(const ActivePtr& job);
  Status read_and_plan(const ActivePtr& job);
  Status plan_in_store(const ActivePtr& job, const std::vector<store::Task>& known);
  Status begin_whole(const ActivePtr& job, store::NewTask task);
  static constexpr const char* kQueryFile = "query.fasta";
  /// The query as a file of the work folder, whole.
  Status fetch_query(const store::Job& job, const std::filesystem::path& target);
  void begin_steps(const ActivePtr& job, const std::vector<store::Task>& known) REQUIRES(mutex_);
  void step(const Work& work);
  Result<std::pair<std::size_t, std::optional<store::Lease>>> lease_step(const ActivePtr& job,
                                                                         std::uint32_t& attempts);
  void learn(const ActiveJob& job, std::size_t index, double taken) REQUIRES(mutex_);
  void note(const ActivePtr& job, const std::string& sentence);
  void step_done(const ActivePtr& job, std::size_t index, const store::Lease* lease,
                 const search::TaskUse& use);
  void step_failed(const ActivePtr& job, std::size_t index, const store::Lease* lease, std::uint32_t attempts,
                   const Error& why, const std::optional<exec::Failure>& failure);
  void unclaim(const ActivePtr& job, std::size_t index) REQUIRES(mutex_);
  void finish(const ActivePtr& job);
  void finish_whole(const ActivePtr& job);
  Status end_whole(const ActivePtr& job);
  /// Files of the work folder.
  struct Written {
    std::filesystem::path output;
    std::filesystem::path messages;
  };
  Result<Written> put_together(const ActivePtr& job);
  Status put_output(const ActivePtr& job, const Written& written);
  /// Keeps the output of a rendering by `put`, unless its job is gone. Errors: the outcome of one
  /// that has ended meanwhile; those of the store and of `put`.
  Status put_rendered(const ActivePtr& job, const std::function<Status(const std::stop_token&)>& put);
  Status complete(const store::JobId& id);
  void fail(const ActivePtr& job, const Error& why, const std::optional<exec::Failure>& failure = {});

  // group_work.cpp
  /// One of a group that is under way.
  struct Riding {
    ActivePtr job;
    std::size_t rider = 0;
    std::string query{};  ///< text of at most search::kMostLettersInCompany letters
    std::optional<store::Lease> lease{};
  };
  void run_group(const Work& work);
  std::vector<ActivePtr> not_ended(const Work& work);
  /// The text of a small query, wherever it is kept, and whatever it is packed with.
  Result<std::string> query_of(const store::Job& job, const std::filesystem::path& file);
  Result<search::TaskUse> ride(const Work& work, const std::filesystem::path& folder,
                               std::vector<ActivePtr>& left);
  void begin_riders(std::vector<Riding>& riding, std::vector<ActivePtr>& left);
  void deliver(const std::vector<Riding>& riding, const search::Coalesced& together,
               const search::TaskUse& use, std::vector<ActivePtr>& left);
  void go_alone(const ActivePtr& job);
  static Result<store::Answer> answer_of(const search::Coalesced& together, std::size_t rider);
  Status keep(store::WholeEnd& end, store::Answer answer);
  /// Whether a job that could not be ended is to be run again: it was neither cancelled nor removed.
  bool still_runs(const store::JobId& id, const Error& why);
  /// Whether a change was refused because the job was cancelled or removed, or its lease was lost.
  [[nodiscard]] static bool is_over(const Error& why) {
    return why.code == Code::conflict || why.code == Code::not_found;
  }

  // reuse_work.cpp
  /// Whether what an equal search wrote may be this job's answer: nothing of it was run, and it is not to be
  /// fresh.
  static bool may_reuse(const ActiveJob& job) {
    return job.job.state == store::JobState::queued && job.job.tasks_total == 0 && !job.spec.fresh;
  }
  /// What its key is made of; nullopt if its answer is not kept.
  [[nodiscard]] std::optional<std::string> surroundings(const ActiveJob& job) const;
  void name_search(const ActivePtr& job, const std::optional<std::string>& around);
  /// Ends the job, or its rendering, with what an equal search wrote; false when that is not to be had.
  bool answer_known(const ActivePtr& job);
  Status end_with(const ActivePtr& job, const Reuse::Found& found);
  /// Also: cancelled, and then nothing is there.
  Status put_found(const Reuse::Found& found, const storage::ObjectKey& key,
                   const std::stop_token& stop = {});
  /// How its queries are cut into parts that may be known; nullopt where none may.
  [[nodiscard]] static std::optional<search::PartRule> part_rule_of(const ActiveJob& job);
  /// Asks for parts; empty for a fresh search.
  search::FindPart known_to(const ActiveJob& job);
  /// As answer_known(), put together from what searches with the same queries among others wrote.
  bool answered_by_parts(const ActivePtr& job, sequence::ByteSource& queries);
  /// For those who ask again for the same, or for a part of it. On failure nothing is kept.
  void keep_answer(const ActiveJob& job, const Written& written);
  void keep_parts(const ActiveJob& job, sequence::ByteSource& queries, std::string_view output,
                  std::string_view messages);
  /// While an equal search runs, the job waits for its end; else it is the one that runs.
  bool join_equal(const ActivePtr& job);
  /// Whether nobody needs to search for it: its answer is known, or an equal search runs.
  bool needs_no_search(const ActivePtr& job);
  /// Those that wait for the end of `job` take their turns; and it waits for none.
  void leave_equals(const ActivePtr& job) REQUIRES(mutex_);

  [[nodiscard]] store::UnixTime now() const;

  std::stop_source group_stop_;  // the server stops
  store::JobStore& store_;
  storage::ObjectStore& objects_;
  exec::ProcessRunner& runner_;
  const SchedulerOptions options_;
  Reuse reuse_;
  KnownParts parts_;
  const std::string name_;  // of this run of the server, as lease owner
  Warmth warmth_;

  Mutex noting_;  // held while a job's notes are read and written; never together with mutex_
  mutable Mutex mutex_;
  CondVar changed_;
  std::map<store::JobId, ActivePtr> jobs_ GUARDED_BY(mutex_);
  WorkBoard board_ GUARDED_BY(mutex_);                              // of jobs_ and renderings_
  std::map<std::string, ActivePtr> renderings_ GUARDED_BY(mutex_);  // by object key
  std::map<store::JobId, store::Failure> owed_ GUARDED_BY(mutex_);  // failures the store could not take yet
  std::map<std::string, std::uint64_t> unfinished_ GUARDED_BY(mutex_);  // jobs, by owner
  /// Of equal searches, by their search_key: the one that runs, and those that wait for it.
  struct Equals {
    ActivePtr runs;
    std::vector<ActivePtr> wait;
  };
  std::map<std::string, Equals> equals_ GUARDED_BY(mutex_);
  SchedulerCounts counts_ GUARDED_BY(mutex_);
  std::uint64_t next_number_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace loom::sched
