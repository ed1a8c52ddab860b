#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "exec/process_runner.hpp"
#include "exec/slurm/commands.hpp"
#include "exec/slurm/exchange.hpp"
#include "storage/object_store.hpp"

namespace loom::exec::slurm {

/// For one call of the store that tasks go through.
inline Deadline exchange_deadline() {
  return Deadline::in(std::chrono::minutes(2));
}

inline Instant now() {
  return steady_clock().now();
}

struct Settings {
  std::string name;                 ///< of our jobs in Slurm; no other server's
  std::vector<std::string> worker;  ///< argv of a worker on a node; the array's token is added
  /// What a task mostly reads, as ArrayTask::part: letters, digits and '-'. Unset: nothing is known of any.
  std::function<std::string(const ProcessSpec&)> part_of{};
  Site site{};
  std::uint64_t memory_bytes = 0;              ///< for each task; 0: the partition's default
  int minutes = 0;                             ///< time limit of a task; 0: the partition's
  int most_outstanding = 256;                  ///< tasks in Slurm at once
  Duration poll = std::chrono::seconds(1);     ///< between looks for what has ended
  Duration ask = std::chrono::seconds(5);      ///< between questions to Slurm
  Duration settle = std::chrono::seconds(15);  ///< between Slurm's word that a task is over and ours that its
                                               ///< end is not coming
  Duration unclaimed = std::chrono::minutes(10);  ///< after the start: an earlier server's task nobody wants
};

/// Since the start, but for what is named a gauge.
struct Counts {
  std::uint64_t arrays = 0;            ///< submitted
  std::uint64_t tasks = 0;             ///< submitted, those of another try too
  std::uint64_t lost = 0;              ///< ended without a word
  std::uint64_t grown = 0;             ///< submitted again with more memory or time
  std::uint64_t adopted = 0;           ///< of an earlier run of the server, and gone on with
  std::uint64_t accounted = 0;         ///< of those lost, whose account came later
  std::uint64_t outstanding = 0;       ///< gauge
  std::optional<Error> unreachable{};  ///< gauge: why Slurm does not answer
};

/// What a task took whose end nobody told, from Slurm's accounting.
struct LateUse {
  std::string folder;  ///< Portable::folder of the task
  Duration cpu{};
  Duration wall{};
  std::uint64_t peak_bytes = 0;  ///< 0: unknown
};
enum class Counted { yes, not_yet };

/// Runs portable specs as elements of Slurm array jobs, and all others by another runner, here. Specs that
/// come together go out together, as one array for each size (threads, memory, time).
///
/// A task is known by its key (exchange.hpp), an array by its token, never by Slurm's number. What a killed
/// server submitted goes on; run() of the same spec in the next one takes it up. A task is lost only on
/// evidence: Slurm answers, and says that it is over or does not know it, and its end has not come
/// meanwhile. One that ran out of memory or time is submitted again with twice as much, up to 16 times what
/// was asked at first; one that was preempted, or that Slurm never knew, as it was. One that Slurm holds
/// back, because its node did not answer, is made to start. Which element of an array runs which of its tasks
/// is decided where it runs (affinity.hpp) and read from the store; one that we cancelled while it took a
/// task that is wanted is submitted again. Of another loss run() says `unavailable`. A controller that does
/// not answer is waited for, however long.
///
/// Thread-safety: all methods, from any thread, at once. Blocking: run() until the task has ended.
class SlurmRunner final : public ProcessRunner {
 public:
  /// References are borrowed. `scratch` is a folder for small files of our own. Errors: not_found without
  /// Slurm's commands; invalid_argument when Slurm knows no such partition; those of the store. A silent
  /// controller is none.
  static Result<std::unique_ptr<SlurmRunner>> start(storage::ObjectStore& store, ProcessRunner& here,
                                                    Settings settings, const std::filesystem::path& scratch);
  ~SlurmRunner() override;
  SlurmRunner(const SlurmRunner&) = delete;
  SlurmRunner& operator=(const SlurmRunner&) = delete;

  /// A stop or the deadline cancels the task in Slurm. Also: unavailable, timed_out, out_of_memory when Slurm
  /// ended it; invalid_argument when Slurm refuses it.
  Result<ProcessOutcome> run(const ProcessSpec& spec, Deadline deadline, std::stop_token stop) override;

  /// From now on a stop leaves the task to the next server: it is not cancelled in Slurm.
  void detach();
  [[nodiscard]] Counts counts() const;
  /// Asks Slurm's accounting, where the cluster has one, for at most 50 elements that were lost, of this run
  /// of the server or an earlier one, and hands `count` what they took; how many it counted. One that is not
  /// counted yet comes again, others first; one unknown for a week does not. Blocking. One thread at a
  /// time. Errors: those of sacct, of the store.
  Result<std::uint64_t> account(const std::function<Counted(const LateUse&)>& count);
  /// What the tasks whose Portable::folder is `folder` wait for, "Slurm (2 tasks PENDING: Resources)"; empty
  /// when there are none, or one of them runs.
  [[nodiscard]] std::string waits_for(const std::filesystem::path& folder) const;

 private:
  struct Task {
    enum class State { preparing, pending, submitted };
    TaskKey key;
    std::string part{};    ///< what it mostly reads
    std::string folder{};  ///< of its spec; empty: not claimed yet
    int threads = 1;
    std::uint64_t memory_bytes = 0;
    int minutes = 0;
    bool claimed = false;  ///< a run() waits for it
    bool leaving = false;  ///< nobody wants it; its key is free once it is out of the store
    State state = State::preparing;
    Instant since{};                        ///< in `state`
    std::string token{};                    ///< of the array it was submitted in
    std::size_t line = 0;                   ///< in its record
    std::size_t index = 0;                  ///< of the element that runs it, or may
    bool doubtful = false;                  ///< sbatch got no answer
    std::optional<ElementState> element{};  ///< the last that Slurm said of it
    std::optional<Instant> gone{};          ///< since when Slurm says that it is over, or does not know it

    // The last word, one of:
    std::optional<TaskEnd> end{};
    std::optional<Error> refused{};
    bool lost = false;

    [[nodiscard]] bool settled() const { return end || refused || lost; }
    [[nodiscard]] bool outstanding() const { return state == State::submitted && !settled() && !leaving; }
    [[nodiscard]] bool to_submit() const { return claimed && !leaving && state == State::pending; }
  };
  using TaskPtr = std::shared_ptr<Task>;
  using Place = std::pair<std::string, std::size_t>;  // token and index

  SlurmRunner(storage::ObjectStore& store, ProcessRunner& here, Settings settings,
              const std::filesystem::path& scratch);

  // run(): slurm_runner.cpp
  Result<ProcessOutcome> run_on_node(const ProcessSpec& spec, Deadline deadline, const std::stop_token& stop);
  Result<TaskPtr> claim(const TaskKey& key, const ProcessSpec& spec, Deadline deadline,
                        const std::stop_token& stop);
  Result<ProcessOutcome> follow(Task& task, const ProcessSpec& spec, Deadline deadline,
                                const std::stop_token& stop);
  Status wait_for(const Task& task, Deadline deadline, const std::stop_token& stop) const;
  Result<ProcessOutcome> outcome_of(const Task& task, const ProcessSpec& spec);
  bool again(Task& task, const Result<ProcessOutcome>& outcome, int& unseen) REQUIRES(mutex_);
  void make_pending(Task& task) REQUIRES(mutex_);
  void let_go(const TaskPtr& task, bool stopped, bool comes_again);
  void leave(Task& task) REQUIRES(mutex_);
  void withdraw(const TaskPtr& task);

  // the monitor's thread: slurm_monitor.cpp
  Status take_up();
  void monitor(const std::stop_token& stop);
  [[nodiscard]] Instant due() const REQUIRES(mutex_);
  [[nodiscard]] std::size_t room() const REQUIRES(mutex_);
  std::vector<TaskPtr> next_array() const REQUIRES(mutex_);
  void submit(const std::vector<TaskPtr>& tasks);
  void find_ends();
  void ask();
  Status follow_claims(const Elements& elements);
  void judge(const Elements& elements, Instant asked) REQUIRES(mutex_);
  void cancel_unwanted(const Elements& elements);
  void start_held();
  void drop_unclaimed();
  void drop_arrays();
  void keep_lost();
  void note_answer(const Status& answered) REQUIRES(mutex_);

  Exchange exchange_;
  ProcessRunner& here_;
  const Settings settings_;
  Commands commands_;
  const Instant started_;
  std::size_t most_elements_ = 0;    // 0: not asked yet. These six are the monitor's alone.
  std::vector<LostElement> unkept_;  // lost, and not in the store yet
  /// Tokens whose record is in the store, and the element of each line; none: element N runs line N.
  std::map<std::string, std::vector<std::size_t>> arrays_;
  std::set<Place> held_;  // back by Slurm, when it last answered
  Instant next_look_{};
  Instant next_ask_{};

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::map<TaskKey, TaskPtr> tasks_ GUARDED_BY(mutex_);
  /// Memory and minutes that a task has grown to, while it may be run again.
  std::map<TaskKey, std::pair<std::uint64_t, int>> grown_ GUARDED_BY(mutex_);
  std::set<Place> suspects_ GUARDED_BY(mutex_);   // nobody wants them; cancelled if Slurm still has them
  std::set<Place> cancelled_ GUARDED_BY(mutex_);  // by us
  bool hurry_ GUARDED_BY(mutex_) = false;         // ask Slurm at once: there is something to cancel
  Instant paused_until_ GUARDED_BY(mutex_){};     // Slurm takes no more for now
  Counts counts_ GUARDED_BY(mutex_);
  std::optional<bool> accounting_ GUARDED_BY(mutex_);  // unset: not asked yet
  bool detached_ GUARDED_BY(mutex_) = false;
  std::string accounted_up_to_;  // of account()
  std::jthread monitor_;
};

}  // namespace loom::exec::slurm
