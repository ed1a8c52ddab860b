#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "sched/active_job.hpp"
#include "sched/cost_model.hpp"
#include "sched/fair_share.hpp"
#include "sched/waiting_jobs.hpp"
#include "sched/warmth.hpp"

namespace loom::sched {

/// A number for the names of a search's databases; 0: none.
std::uint64_t database_number(const std::string& names);

/// Something for one worker.
struct Work {
  enum class Kind { prepare, step, finish, group } kind = Kind::prepare;
  std::vector<ActivePtr> jobs;  ///< one, but for a group
  int cores = 1;
  std::uint64_t database = 0;  ///< that it reads; 0: none
  double charged = 0;          ///< CPU seconds that its owners were charged on its account
};

/// All jobs that are not final, what is free, and so which work is next. Pure: it starts nothing, asks no
/// clock and no store; LocalScheduler acts on it, and bench/sched_bench.cpp drives it beside. A choice costs
/// about the number of owners and of the jobs of the one that is chosen; nothing costs more with the number
/// of tasks. Not thread-safe. Never blocks.
class WorkBoard {
 public:
  struct Limits {
    int cores = 1;
    std::uint64_t memory_bytes = 0;  ///< for the databases of all that runs at once
    bool elsewhere = false;          ///< each task has that memory for itself
  };
  /// `warmth` outlives this, and may be told meanwhile.
  WorkBoard(Limits limits, const std::map<std::string, double>& weights, const Warmth& warmth)
      : share(weights), cores_free(limits.cores), limits_(limits), warmth_(warmth) {}

  /// `job` waits: it is new, or goes back. Its `number` is set.
  void wait(const ActivePtr& job);
  /// `job`, which waited, is worked on.
  void begin(const ActivePtr& job);
  /// `job` is over, or another takes its place.
  void remove(const ActivePtr& job);

  /// The job that gets the next core; null when none can, or cores are kept for one that waits.
  [[nodiscard]] ActivePtr next(Instant now);
  /// What is next of `job`, which next() gave: taken from it, but not charged yet, so that others may join.
  Work claim(const ActivePtr& job);
  /// `work` starts: its cores are taken, and its owners charged what it may cost.
  void start(Work& work, Instant now);
  /// `work` is over: its cores are free. What it cost is corrected by share.charge().
  void give_back(const Work& work);

  WaitingJobs waiting;
  /// The others, by owner and number; who has none is not in it.
  std::map<std::string, std::map<std::uint64_t, ActivePtr>, std::less<>> begun;
  FairShare share;
  CostModel costs;
  int cores_free;

 private:
  struct Candidates {
    std::vector<ActivePtr> jobs;
    std::vector<Candidate> all;  ///< one of each job
  };
  void forget(const ActivePtr& job);  ///< that it was begun
  void add_candidates(Candidates& into, std::string_view owner) const;

  const Limits limits_;
  const Warmth& warmth_;
  std::map<std::uint64_t, int> read_;             // databases in use: by how many
  std::map<std::uint64_t, std::uint64_t> sizes_;  // of databases, bytes
};

}  // namespace loom::sched
