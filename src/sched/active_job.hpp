#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
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
};

/// A job that is not final, or a rendering of one that is, as the scheduler holds it in memory. Guarded by
/// the scheduler's lock, but for `split` and `folder`, which whoever runs the job's work may use.
struct ActiveJob {
  enum class Phase {
    waiting,    ///< to be read and planned
    preparing,  ///< is read and planned, or rides with others
    searching,  ///< its steps run
    finishing,  ///< all steps are done; its output is put together, or will be next
    elsewhere,  ///< another server has it
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
  std::shared_ptr<void> hold{};  ///< this server's claim on it; null: none yet, or the store is not shared
  bool claimed = false;          ///< preparing or finishing is under way
  bool delivered = false;        ///< its output is in the object store already
  bool alone = false;            ///< not to be coalesced (any more)
  std::string company{};         ///< jobs with the same key may ride together; empty: none may
  std::shared_ptr<search::SplitSearch> split{};
  std::vector<StepState> steps{};
  std::size_t scouts_unclaimed = 0;
  std::size_t scouts_left = 0;
  std::size_t searches_unclaimed = 0;
  std::size_t searches_left = 0;
  int running = 0;  ///< pieces of work under way
  std::map<std::uint32_t, store::Lease> leases{};
  std::stop_source stop{};

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
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (steps[i] == StepState::ready) return i;
    return 0;
  }
};

/// The output_key of a task that rode with those of other jobs.
inline constexpr const char* kTogether = "together";

using ActivePtr = std::shared_ptr<ActiveJob>;

}  // namespace loom::sched
