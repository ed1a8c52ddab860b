#include <algorithm>
#include <array>
#include <random>

#include "base/log.hpp"
#include "exec/slurm/slurm_runner.hpp"

namespace loom::exec::slurm {
namespace {

/// While others may still be on their way, so that they go out together.
constexpr std::chrono::milliseconds kGather{50};
/// After Slurm said that it takes no more for now, or the store did not answer.
constexpr std::chrono::seconds kPause{5};
/// Between questions to Slurm while there is nothing of ours in it.
constexpr Duration kIdle = std::chrono::seconds(60);

Deadline soon() {
  return Deadline::in(std::chrono::minutes(2));
}

Instant now() {
  return steady_clock().now();
}

std::string random_token() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

bool is_over(std::string_view state) {
  constexpr std::array<std::string_view, 10> kOver{"COMPLETED", "FAILED",    "CANCELLED", "TIMEOUT",
                                                   "NODE_FAIL", "PREEMPTED", "OUT_OF_ME", "DEADLINE",
                                                   "BOOT_FAIL", "REVOKED"};
  return std::ranges::any_of(kOver, [&](auto one) { return state.starts_with(one); });
}

}  // namespace

/// What an earlier run of the server left: what is in an array may still run, all else is of no use.
Status SlurmRunner::take_up() {
  LOOM_TRY(const auto tasks, exchange_.tasks(soon()));
  LOOM_TRY(const auto tokens, exchange_.arrays(soon()));
  arrays_.insert(tokens.begin(), tokens.end());
  const MutexLock lock(mutex_);
  for (const std::string& token : tokens) {
    LOOM_TRY(const auto keys, exchange_.get_array(token, soon()));
    for (std::size_t index = 0; index < keys.size(); ++index) {
      if (!tasks.contains(keys[index])) continue;
      tasks_[keys[index]] = std::make_shared<Task>(Task{.key = keys[index],
                                                        .state = Task::State::submitted,
                                                        .since = started_,
                                                        .token = token,
                                                        .index = index});
    }
  }
  LOOM_TRY(auto left, exchange_.ended(soon()));
  left.insert(tasks.begin(), tasks.end());
  for (const TaskKey& key : left)
    if (!tasks_.contains(key)) LOOM_CHECKED(exchange_.withdraw(key, soon()));
  return ok();
}

void SlurmRunner::monitor(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<TaskPtr> ready;
    bool hurry = false;
    {
      const MutexLock lock(mutex_);
      while (!stop.stop_requested() && now() < due()) changed_.wait_until(mutex_, due());
      hurry = std::exchange(hurry_, false);
      if (now() >= paused_until_) ready = next_array();
    }
    if (stop.stop_requested()) return;
    if (!ready.empty()) submit(ready);
    if (!hurry && now() < next_look_) continue;
    find_ends();
    if (hurry || now() >= next_ask_) ask();
    next_look_ = now() + settings_.poll;
  }
}

/// When there is something to do next.
Instant SlurmRunner::due() const {
  if (hurry_) return Instant::min();
  Instant when = next_look_;
  if (room() == 0) return when;
  for (const auto& [key, task] : tasks_)
    if (task->claimed && task->state == Task::State::pending)
      when = std::min(when, std::max(task->since + kGather, paused_until_));
  return when;
}

std::size_t SlurmRunner::room() const {
  const auto most = static_cast<std::ptrdiff_t>(settings_.most_outstanding);
  const auto out = std::ranges::count_if(tasks_, [](const auto& one) { return one.second->outstanding(); });
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(most - out, 0));
}

std::vector<SlurmRunner::TaskPtr> SlurmRunner::next_array() const {
  const std::size_t most = std::min(room(), most_elements_ == 0 ? std::size_t{1} : most_elements_);
  std::vector<TaskPtr> chosen;
  for (const auto& [key, task] : tasks_) {
    if (chosen.size() == most) break;
    if (!task->claimed || task->state != Task::State::pending) continue;
    const auto size = [](const Task& one) { return std::tuple(one.threads, one.memory_bytes, one.minutes); };
    if (chosen.empty() || size(*chosen.front()) == size(*task)) chosen.push_back(task);
  }
  return chosen;
}

void SlurmRunner::submit(const std::vector<TaskPtr>& tasks) {
  ArrayRequest request{.token = random_token(), .elements = tasks.size(), .worker = settings_.worker};
  std::vector<TaskKey> keys;
  {
    const MutexLock lock(mutex_);
    request.threads = tasks.front()->threads;
    request.memory_bytes = tasks.front()->memory_bytes;
    request.minutes = tasks.front()->minutes;
    for (const TaskPtr& task : tasks) keys.push_back(task->key);
  }
  arrays_.insert(request.token);
  next_ask_ = std::min(next_ask_, now() + settings_.ask);
  const Status recorded = exchange_.put_array(request.token, keys, soon());
  const Status sent = recorded ? commands_.submit(request) : recorded;
  const MutexLock lock(mutex_);
  if (recorded) note_answer(sent);
  if (!recorded || (!sent && sent.error().code == Code::too_many)) {
    paused_until_ = now() + kPause;
    log::write(log::Level::warning, "slurm.paused", {{"reason", sent.error().message}});
    return;
  }
  const bool refused = !sent && sent.error().code != Code::unavailable;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    Task& task = *tasks[i];
    if (refused) {
      task.refused = sent.error().at("Slurm refuses the task");
      continue;
    }
    task.state = Task::State::submitted;
    task.since = now();
    task.token = request.token;
    task.index = i;
    task.doubtful = !sent;
    const auto place = tasks_.find(task.key);
    const bool wanted = place != tasks_.end() && place->second == tasks[i];
    if (!wanted) suspects_.emplace(task.token, task.index);
    hurry_ = hurry_ || !wanted;
  }
  if (!refused) ++counts_.arrays;
  if (!refused) counts_.tasks += tasks.size();
  changed_.notify_all();
}

void SlurmRunner::find_ends() {
  std::vector<TaskPtr> open;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, task] : tasks_)
      if (task->outstanding()) open.push_back(task);
  }
  if (open.empty()) return;
  const auto ended = exchange_.ended(soon());
  if (!ended) return log::write(log::Level::warning, "slurm.store", {{"reason", ended.error().message}});
  for (const TaskPtr& task : open) {
    if (!ended->contains(task->key)) continue;
    auto end = exchange_.find_end(task->key, soon());
    if (!end) log::write(log::Level::warning, "slurm.store", {{"reason", end.error().message}});
    if (!end || !*end) continue;
    const MutexLock lock(mutex_);
    if (!task->settled()) task->end = **end;
    changed_.notify_all();
  }
}

void SlurmRunner::note_answer(const Status& answered) {
  const bool silent = !answered && answered.error().code == Code::unavailable;
  if (silent && !counts_.unreachable)
    log::write(log::Level::warning, "slurm.unreachable", {{"reason", answered.error().message}});
  if (!silent && counts_.unreachable) log::write(log::Level::info, "slurm.answers", {});
  counts_.unreachable = silent ? std::optional(answered.error()) : std::nullopt;
}

void SlurmRunner::ask() {
  const Instant asked = now();
  if (most_elements_ == 0) most_elements_ = commands_.most_elements().value_or(0);
  const auto elements = commands_.elements();
  {
    const MutexLock lock(mutex_);
    note_answer(elements ? ok() : Status(elements.error()));
    next_ask_ = now() + settings_.ask;
    if (!elements) return;
    judge(*elements, asked);
    next_ask_ =
        now() + (tasks_.empty() && suspects_.empty() ? std::max(settings_.ask, kIdle) : settings_.ask);
  }
  drop_unclaimed();
  cancel_unwanted(*elements);
  drop_arrays();
}

void SlurmRunner::judge(const Elements& elements, Instant asked) {
  for (const auto& [key, task] : tasks_) {
    if (!task->outstanding() || task->since >= asked) continue;
    const auto found = elements.find({task->token, task->index});
    if (found != elements.end()) task->element = found->second;
    if (found != elements.end() && !is_over(found->second.state)) {
      task->gone.reset();
      continue;
    }
    if (!task->gone) task->gone = now();
    // The last look for ends must be later than Slurm's word.
    if (now() - *task->gone < settings_.settle) continue;
    // What it said earlier is no reason: a controller forgets what ended long ago, or what it lost.
    if (found == elements.end()) task->element.reset();
    task->lost = true;
    ++counts_.lost;
    log::write(log::Level::warning, "slurm.lost",
               {{"task", key}, {"state", task->element ? task->element->state : "unknown"}});
  }
  changed_.notify_all();
}

void SlurmRunner::cancel_unwanted(const Elements& elements) {
  std::vector<std::string> ids;
  {
    const MutexLock lock(mutex_);
    std::set<Place> wanted;
    for (const auto& [key, task] : tasks_)
      if (task->outstanding()) wanted.emplace(task->token, task->index);
    std::set<Place> unwanted;
    for (const auto& [place, element] : elements) {
      if (wanted.contains(place) || is_over(element.state) || element.state == "COMPLETING") continue;
      unwanted.insert(place);
      // One that has just written its end goes by itself: only what is there a second time is ended.
      if (suspects_.contains(place)) ids.push_back(element.slurm_id);
    }
    suspects_ = std::move(unwanted);
  }
  if (ids.empty()) return;
  if (const Status cancelled = commands_.cancel(ids); !cancelled)
    log::write(log::Level::warning, "slurm.cancel", {{"reason", cancelled.error().message}});
}

void SlurmRunner::drop_unclaimed() {
  if (now() - started_ < settings_.unclaimed) return;
  std::vector<TaskPtr> dropped;
  {
    const MutexLock lock(mutex_);
    if (detached_) return;
    for (auto task = tasks_.begin(); task != tasks_.end();) {
      const auto next = std::next(task);
      if (!task->second->claimed) {
        suspects_.emplace(task->second->token, task->second->index);
        dropped.push_back(task->second);
        tasks_.erase(task);
      }
      task = next;
    }
  }
  for (const TaskPtr& task : dropped)
    if (const Status gone = exchange_.withdraw(task->key, soon()); !gone)
      log::write(log::Level::warning, "slurm.left", {{"task", task->key}, {"reason", gone.error().message}});
}

void SlurmRunner::drop_arrays() {
  std::set<std::string> used;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, task] : tasks_) used.insert(task->token);
  }
  for (auto token = arrays_.begin(); token != arrays_.end();) {
    const bool gone = !used.contains(*token) && exchange_.remove_array(*token, soon());
    token = gone ? arrays_.erase(token) : std::next(token);
  }
}

}  // namespace loom::exec::slurm
