#include "exec/slurm/slurm_runner.hpp"

#include <algorithm>
#include <csignal>
#include <functional>

#include "base/log.hpp"
#include "exec/failure.hpp"

namespace loom::exec::slurm {
namespace {

constexpr int kMostGrowth = 16;
/// A task that Slurm took and never knew of is sent so often in one run().
constexpr int kMostUnseen = 5;

bool short_of_memory(const ProcessOutcome& outcome) {
  if (outcome.succeeded()) return false;
  return outcome.signal == SIGKILL || explain_failure(outcome, "").failure_class == FailureClass::memory;
}

/// Doubles what was asked for, up to a limit. False: it may not grow, or nobody said what it is.
template <class Amount>
bool grow(Amount& amount, Amount first) {
  if (first == 0 || amount >= first * kMostGrowth) return false;
  amount = std::min<Amount>(amount * 2, first * kMostGrowth);
  return true;
}

/// For a user, who is not told of folders; the log has the reason in full.
std::string not_staged_note(const std::string& node, Code why) {
  const std::string_view reason = why == Code::disk_full   ? "there was no room for it"
                                  : why == Code::forbidden ? "it may not write there"
                                  : why == Code::conflict  ? "the database was replaced meanwhile"
                                                           : "the server's log says why";
  return fmt::format(
      "Node {} could not copy the database to its own disk: {}. It read the shared files, which may be "
      "slower.",
      node, reason);
}

std::string words_of(const ElementState& element) {
  std::string text = element.state;
  if (!element.reason.empty() && element.reason != "None") text += ": " + element.reason;
  if (!element.nodes.empty()) text += ", on " + element.nodes;
  return text;
}

}  // namespace

SlurmRunner::SlurmRunner(storage::ObjectStore& store, ProcessRunner& here, Settings settings,
                         const std::filesystem::path& scratch)
    : exchange_(store),
      here_(here),
      settings_(std::move(settings)),
      commands_(here, settings_.name, settings_.site, scratch),
      started_(now()) {}

Result<std::unique_ptr<SlurmRunner>> SlurmRunner::start(storage::ObjectStore& store, ProcessRunner& here,
                                                        Settings settings,
                                                        const std::filesystem::path& scratch) {
  std::unique_ptr<SlurmRunner> runner(new SlurmRunner(store, here, std::move(settings), scratch));
  LOOM_CHECKED(runner->commands_.check());
  LOOM_CHECKED(runner->take_up());
  runner->monitor_ =
      std::jthread([self = runner.get()](const std::stop_token& stop) { self->monitor(stop); });
  return runner;
}

SlurmRunner::~SlurmRunner() {
  {
    const MutexLock lock(mutex_);
    monitor_.request_stop();
    changed_.notify_all();
  }
  if (monitor_.joinable()) monitor_.join();
}

Result<ProcessOutcome> SlurmRunner::run(const ProcessSpec& spec, Deadline deadline, std::stop_token stop) {
  return spec.portable ? run_on_node(spec, deadline, stop) : here_.run(spec, deadline, std::move(stop));
}

Result<ProcessOutcome> SlurmRunner::run_on_node(const ProcessSpec& spec, Deadline deadline,
                                                const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const MutexLock lock(mutex_);
    changed_.notify_all();
  });
  LOOM_TRY(const TaskKey key, Exchange::key_of(spec));
  LOOM_TRY(const TaskPtr task, claim(key, spec, deadline, stop));
  auto outcome = follow(*task, spec, deadline, stop);
  const bool stopped = !outcome && (outcome.error().code == Code::cancelled || deadline.passed());
  const bool comes_again = !outcome && explain_failure(outcome.error(), "").retryable;
  let_go(task, stopped, comes_again);
  return outcome;
}

Result<SlurmRunner::TaskPtr> SlurmRunner::claim(const TaskKey& key, const ProcessSpec& spec,
                                                Deadline deadline, const std::stop_token& stop) {
  TaskPtr task;
  const std::string part = settings_.part_of ? settings_.part_of(spec) : std::string();
  bool adopted = false;
  for (;;) {
    {
      const MutexLock lock(mutex_);
      TaskPtr& place = tasks_[key];
      if (!place || (!place->claimed && !place->leaving)) {
        adopted = place != nullptr;
        if (!adopted) place = std::make_shared<Task>(Task{.key = key});
        task = place;
        task->claimed = true;
        task->part = part;
        task->folder = spec.portable->folder.string();
        task->threads = spec.portable->threads;
        const auto size = grown_.find(key);
        std::tie(task->memory_bytes, task->minutes) =
            size != grown_.end() ? size->second : std::pair(settings_.memory_bytes, settings_.minutes);
        if (adopted) ++counts_.adopted;
        break;
      }
      changed_.wait_until(mutex_, std::min(deadline.when(), now() + std::chrono::seconds(5)));
    }
    if (stop.stop_requested()) return error(Code::cancelled, "{} was not started", spec.argv.front());
    if (deadline.passed()) return error(Code::timed_out, "{} was not started in time", spec.argv.front());
  }
  if (adopted) return task;
  // An end that an earlier, withdrawn attempt left late must not pass for this one's.
  Status ready = exchange_.remove_end(key, exchange_deadline());
  if (ready) ready = exchange_.put_task(key, spec, exchange_deadline());
  const MutexLock lock(mutex_);
  if (ready) {
    make_pending(*task);
    return task;
  }
  tasks_.erase(key);
  changed_.notify_all();
  return ready.error();
}

void SlurmRunner::make_pending(Task& task) {
  task.state = Task::State::pending;
  task.since = now();
  task.doubtful = false;
  task.element.reset();
  task.gone.reset();
  task.end.reset();
  task.lost = false;
  changed_.notify_all();
}

Status SlurmRunner::wait_for(const Task& task, Deadline deadline, const std::stop_token& stop) const {
  const MutexLock lock(mutex_);
  while (!task.settled()) {
    if (stop.stop_requested()) return error(Code::cancelled, "the task was stopped on request");
    if (deadline.passed()) return error(Code::timed_out, "the task ran past its deadline and was stopped");
    changed_.wait_until(mutex_, std::min(deadline.when(), now() + std::chrono::minutes(1)));
  }
  return ok();
}

/// Of a settled task.
Result<ProcessOutcome> SlurmRunner::outcome_of(const Task& task, const ProcessSpec& spec) {
  std::optional<TaskEnd> end;
  {
    const MutexLock lock(mutex_);
    if (task.refused) return *task.refused;
    end = task.end;
    if (!end && !task.element)
      return error(Code::unavailable, "Slurm took the task and does not know it: its controller lost it");
    if (!end) {
      const std::string words = words_of(*task.element);
      if (task.element->state.starts_with("OUT_OF_ME"))
        return error(Code::out_of_memory, "the task ran out of the memory that Slurm gave it ({} MiB; {})",
                     task.memory_bytes >> 20U, words);
      if (task.element->state == "TIMEOUT" || task.element->state == "DEADLINE")
        return error(Code::timed_out, "the task ran past its time limit in Slurm ({})", words);
      return error(Code::unavailable, "Slurm ended the task before it said how it ended ({})", words);
    }
  }
  auto outcome = exchange_.collect(task.key, spec, *end, exchange_deadline());
  if (!end->not_staged) return outcome;
  log::write(log::Level::warning, "slurm.not_staged",
             {{"task", task.key}, {"node", end->node}, {"reason", end->not_staged->message}});
  if (outcome) outcome->note = not_staged_note(end->node, end->not_staged->code);
  return outcome;
}

Result<ProcessOutcome> SlurmRunner::follow(Task& task, const ProcessSpec& spec, Deadline deadline,
                                           const std::stop_token& stop) {
  for (int unseen = 0;;) {
    LOOM_CHECKED(wait_for(task, deadline, stop));
    auto outcome = outcome_of(task, spec);
    {
      const MutexLock lock(mutex_);
      if (!again(task, outcome, unseen)) return outcome;
      task.state = Task::State::preparing;
    }
    LOOM_CHECKED(exchange_.remove_end(task.key, exchange_deadline()));
    const MutexLock lock(mutex_);
    make_pending(task);
  }
}

bool SlurmRunner::again(Task& task, const Result<ProcessOutcome>& outcome, int& unseen) {
  bool grown = false;
  if (outcome) {
    grown = short_of_memory(*outcome) && grow(task.memory_bytes, settings_.memory_bytes);
  } else if (task.lost) {
    if (!task.element) return task.doubtful || ++unseen < kMostUnseen;
    if (task.element->state == "PREEMPTED" || cancelled_.contains({task.token, task.index})) return true;
    grown =
        (outcome.error().code == Code::out_of_memory && grow(task.memory_bytes, settings_.memory_bytes)) ||
        (outcome.error().code == Code::timed_out && grow(task.minutes, settings_.minutes));
  }
  if (grown) {
    ++counts_.grown;
    grown_[task.key] = {task.memory_bytes, task.minutes};
    log::write(log::Level::info, "slurm.grown",
               {{"task", task.key}, {"memory", task.memory_bytes}, {"minutes", task.minutes}});
  }
  return grown;
}

void SlurmRunner::let_go(const TaskPtr& task, bool stopped, bool comes_again) {
  {
    const MutexLock lock(mutex_);
    if (!comes_again) grown_.erase(task->key);
    if (stopped && detached_) {
      task->claimed = false;
      changed_.notify_all();
      return;
    }
    leave(*task);
  }
  withdraw(task);
}

/// withdraw() comes next.
void SlurmRunner::leave(Task& task) {
  if (task.outstanding()) {
    suspects_.emplace(task.token, task.index);
    hurry_ = true;
  }
  task.leaving = true;
  changed_.notify_all();
}

void SlurmRunner::withdraw(const TaskPtr& task) {
  if (const Status gone = exchange_.withdraw(task->key, exchange_deadline()); !gone)
    log::write(log::Level::warning, "slurm.left", {{"task", task->key}, {"reason", gone.error().message}});
  // Only now: whoever runs the same again puts the same objects, which were removed under it.
  const MutexLock lock(mutex_);
  tasks_.erase(task->key);
  changed_.notify_all();
}

void SlurmRunner::detach() {
  const MutexLock lock(mutex_);
  detached_ = true;
}

Counts SlurmRunner::counts() const {
  const MutexLock lock(mutex_);
  Counts counts = counts_;
  for (const auto& [key, task] : tasks_) counts.outstanding += task->outstanding() ? 1 : 0;
  return counts;
}

std::string SlurmRunner::waits_for(const std::filesystem::path& folder) const {
  std::map<std::string, int> waiting;  // by Slurm's words
  const MutexLock lock(mutex_);
  for (const auto& [key, task] : tasks_) {
    if (task->folder != folder.string() || task->settled() || task->leaving) continue;
    const bool sent = task->state == Task::State::submitted && task->element;
    if (sent && task->element->state != "PENDING") return {};
    ++waiting[sent ? words_of(*task->element) : "submitted"];
  }
  if (waiting.empty()) return {};
  if (counts_.unreachable) return "Slurm, which does not answer";
  const auto& [words, count] =
      *std::ranges::max_element(waiting, {}, [](const auto& one) { return one.second; });
  return fmt::format("Slurm ({} task{} {})", count, count == 1 ? "" : "s", words);
}

}  // namespace loom::exec::slurm
