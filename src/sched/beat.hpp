#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sched/scheduler.hpp"
#include "store/job_store.hpp"

namespace loom::sched {

/// One thing that is done again and again.
struct Periodic {
  std::string name;
  std::chrono::seconds every{60};
  std::function<Result<std::uint64_t>()> run;  ///< how many things it mended, filled in or removed
};

/// Runs periodic tasks on one thread, each about every `every` (a tenth of it is random, so that servers do
/// not beat as one), while this server leads; while another does, it tries again when that one's lease ends.
/// Thread-safe.
class Beat {
 public:
  /// `store` gives the leader lease and is borrowed. `tasks` is not empty.
  static std::unique_ptr<Beat> start(store::JobStore& store, std::vector<Periodic> tasks);
  /// Of tasks that are this process's alone, whoever leads.
  static std::unique_ptr<Beat> start(std::vector<Periodic> tasks);
  virtual ~Beat() = default;
  /// JSON: for each task its runs, failures, what it did in all, and its last run.
  [[nodiscard]] virtual std::string report() const = 0;
};

/// Adds to a job what a task of it took whose end was not told in its time. not_yet: its own metrics are not
/// there; it is to be given again.
enum class Late { done, not_yet };
using CountLate = std::function<Late(const store::JobId& job, const store::RuntimeMetrics& use)>;
/// Gives `count` what became known late, and says how much it was.
using LateMetrics = std::function<Result<std::uint64_t>(const CountLate& count)>;

/// Fills in the metrics of completed jobs that have none, from their tasks; at most 50, going on where the
/// last call stopped. Then what `late` has, if set.
Periodic metrics_backfill(store::JobStore& store, LateMetrics late = {});

}  // namespace loom::sched
