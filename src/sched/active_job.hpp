#pragma once
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.hpp"
#include "exec/process_runner.hpp"
#include "sched/job_spec.hpp"
#include "search/split_search.hpp"
#include "storage/object_store.hpp"
#include "store/job.hpp"

namespace loom::sched {

/// A format of a completed job that someone waits for. Not in the store: after a restart it is asked for
/// again.
struct Rendering {
  std::string outfmt;
  storage::ObjectKey key;
  std::optional<Status> outcome{};  ///< set when it has ended
  bool writing = false;             ///< its output is on its way into the object store
};

/// A job that is not final, or a rendering of one that is, as the scheduler holds it in memory. Guarded by
/// the scheduler's lock, but for `split` and `folder`, which whoever runs the job's work may use.
struct ActiveJob {
  enum class Phase {
    waiting,    ///< to be read and planned
    preparing,  ///< is read and planned, or rides with others
    searching,  ///< its steps run
    finishing,  ///< all steps are done; its output is put together, or will be next
    ended
  };
  enum class StepState : char { ready, running, done };

  store::Job job;
  JobSpec spec;
  std::filesystem::path folder;
  std::shared_ptr<exec::ProcessRunner> runner{};  ///< whose processes find the database; never null
  std::uint64_t number = 0;                       ///< in the order in which jobs came
  std::shared_ptr<Rendering> rendering{};         ///< null: a job of the store

  Phase phase = Phase::waiting;
  bool claimed = false;        ///< preparing or finishing is under way
  bool delivered = false;      ///< its output is in the object store already
  bool alone = false;          ///< not to be coalesced (any more)
  std::string key{};           ///< search_key; empty: not known yet, or its answer is not kept
  std::string surroundings{};  ///< SHA-256 of surroundings_of; empty where `key` is
  bool follows = false;        ///< waits for the end of an equal search
  std::string company{};       ///< jobs with the same key may ride together; empty: none may
  std::shared_ptr<search::SplitSearch> split{};
  std::vector<StepState> steps{};
  std::vector<std::size_t>
      order{};  ///< in which steps are claimed; ready_from and given_back are places in it
  std::vector<std::size_t> place{};  ///< of each step in `order`
  std::size_t ready_from = 0;        ///< of those before it only `given_back` are ready
  std::set<std::size_t> given_back{};
  std::size_t scouts_unclaimed = 0;
  std::size_t scouts_left = 0;
  std::size_t searches_unclaimed = 0;
  std::size_t searches_left = 0;
  int running = 0;                               ///< pieces of work under way
  bool begun = false;                            ///< its only task is leased already: leases[0]
  std::optional<store::RuntimeMetrics> whole{};  ///< its only task ran, and is to be finished with the job
  std::map<std::uint32_t, store::Lease> leases{};
  std::stop_source stop{};
  std::set<std::string> notes{};  ///< of its tasks, as they are in the object store; under a lock of its own

  Instant waiting_since{};
  double served = 0;   ///< CPU seconds
  std::string kind{};  ///< for the cost model

  [[nodiscard]] bool can_step() const {
    return phase == Phase::searching &&
           (scouts_unclaimed > 0 || (scouts_left == 0 && searches_unclaimed > 0));
  }
  /// Whether it has something to run now.
  [[nodiscard]] bool can_run() const {
    if (phase == Phase::waiting) return true;
    return can_step() || (phase == Phase::finishing && !claimed);
  }
  /// The step that would be claimed next: only its threads matter.
  [[nodiscard]] std::size_t next_step() const {
    if (!given_back.empty()) return order[*given_back.begin()];
    return ready_from < steps.size() ? order[ready_from] : 0;
  }
  /// Begins the steps of `split`, but for those that are done already. Scouts of one shard follow each other,
  /// so that it stays in memory; `shards_apart`: those of one search do, for machines that have a shard each.
  void set_steps(std::vector<StepState> known, bool shards_apart) {
    steps = std::move(known);
    order.resize(steps.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto& all = split->steps();
    if (shards_apart)
      std::ranges::sort(
          order, {}, [&](std::size_t i) { return std::tuple(!all[i].shard.has_value(), all[i].search, i); });
    place.resize(steps.size());
    for (std::size_t at = 0; at < order.size(); ++at) place[order[at]] = at;
    ready_from = 0;
    given_back.clear();
    scouts_unclaimed = searches_unclaimed = 0;
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (steps[i] != StepState::done) ++unclaimed_of(i);
    scouts_left = scouts_unclaimed;
    searches_left = searches_unclaimed;
    phase = scouts_left + searches_left == 0 ? Phase::finishing : Phase::searching;
    pass_over();
  }
  void set_running(std::size_t index) {
    steps[index] = StepState::running;
    given_back.erase(place[index]);
    pass_over();
  }
  /// What was claimed is not done, and goes back.
  void set_ready(std::size_t index) {
    if (steps[index] == StepState::done) return;
    steps[index] = StepState::ready;
    ++unclaimed_of(index);
    if (place[index] < ready_from) given_back.insert(place[index]);
  }
  void set_done(std::size_t index) {
    steps[index] = StepState::done;
    --(split->steps()[index].shard ? scouts_left : searches_left);
    if (scouts_left + searches_left == 0 && phase == Phase::searching) phase = Phase::finishing;
  }
  std::size_t& unclaimed_of(std::size_t index) {
    return split->steps()[index].shard ? scouts_unclaimed : searches_unclaimed;
  }
  /// Moves `ready_from` on to a ready step.
  void pass_over() {
    while (ready_from < steps.size() && steps[order[ready_from]] != StepState::ready) ++ready_from;
  }
};

/// The output_key of a task that rode with those of other jobs.
inline constexpr const char* kTogether = "together";

using ActivePtr = std::shared_ptr<ActiveJob>;

}  // namespace loom::sched
