#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "exec/slurm/affinity.hpp"
#include "exec/slurm/slurm_runner.hpp"

namespace loom::exec::slurm {
namespace {

/// While others may still be on their way, so that they go out together.
constexpr std::chrono::milliseconds kGather{50};
/// After Slurm said that it takes no more for now, or the store did not answer.
constexpr std::chrono::seconds kPause{5};
/// Between questions to Slurm while there is nothing of ours in it.
constexpr Duration kIdle = std::chrono::seconds(60);

/// Before any has claimed a line.
std::vector<std::size_t> elements_of(const std::vector<ArrayTask>& tasks) {
  std::vector<std::size_t> elements(parts_differ(tasks) ? tasks.size() : 0);
  std::iota(elements.begin(), elements.end(), std::size_t{0});
  return elements;
}

void warn(std::string_view event, const Error& why) {
  log::write(log::Level::warning, event, {{"reason", why.message}});
}

void note_account(const LostElement& lost, const Account& account) {
  const auto seconds = [](Duration time) { return fmt::format("{:.3f}", seconds_of(time)); };
  log::write(log::Level::info, "slurm.accounted",
             {{"task", lost.key},
              {"job", lost.folder.substr(lost.folder.rfind('/') + 1)},
              {"state", account.state},
              {"exit", account.exit_code},
              {"node", account.nodes},
              {"wall_seconds", seconds(account.wall)},
              {"cpu_seconds", seconds(account.cpu)},
              {"peak_bytes", account.peak_bytes}});
}

}  // namespace

/// What an earlier run of the server left: what is in an array may still run, all else is of no use.
Status SlurmRunner::take_up() {
  LOOM_TRY(const auto tasks, exchange_.tasks(exchange_deadline()));
  LOOM_TRY(const auto tokens, exchange_.arrays(exchange_deadline()));
  LOOM_CHECKED(exchange_.forget_warm(exchange_deadline()));
  const MutexLock lock(mutex_);
  for (const std::string& token : tokens) {
    arrays_[token] = {};
    const auto array = exchange_.get_array(token, exchange_deadline());
    if (!array && array.error().code == Code::not_found) continue;  // claims that came late
    if (!array) return array.error();
    arrays_[token] = elements_of(*array);
    for (std::size_t line = 0; line < array->size(); ++line) {
      const auto& [key, part] = (*array)[line];
      if (!tasks.contains(key)) continue;
      tasks_[key] = std::make_shared<Task>(Task{.key = key,
                                                .part = part,
                                                .state = Task::State::submitted,
                                                .since = started_,
                                                .token = token,
                                                .line = line,
                                                .index = line});
    }
  }
  LOOM_TRY(auto left, exchange_.ended(exchange_deadline()));
  left.insert(tasks.begin(), tasks.end());
  for (const TaskKey& key : left)
    if (!tasks_.contains(key)) LOOM_CHECKED(exchange_.withdraw(key, exchange_deadline()));
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
    const Status looked = guarded([&] {
      if (!ready.empty()) submit(ready);
      if (!hurry && now() < next_look_) return;
      find_ends();
      if (hurry || now() >= next_ask_) ask();
      next_look_ = now() + settings_.poll;
    });
    if (looked) continue;
    log::write(log::Level::error, "slurm.threw", {{"reason", looked.error().message}});
    // What threw at once would throw at once again.
    const MutexLock lock(mutex_);
    next_look_ = now() + settings_.poll;
    paused_until_ = now() + kPause;
  }
}

/// When there is something to do next.
Instant SlurmRunner::due() const {
  if (hurry_) return Instant::min();
  Instant when = next_look_;
  if (room() == 0) return when;
  for (const auto& [key, task] : tasks_)
    if (task->to_submit()) when = std::min(when, std::max(task->since + kGather, paused_until_));
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
    if (!task->to_submit()) continue;
    const auto size = [](const Task& one) { return std::tuple(one.threads, one.memory_bytes, one.minutes); };
    if (chosen.empty() || size(*chosen.front()) == size(*task)) chosen.push_back(task);
  }
  return chosen;
}

void SlurmRunner::submit(const std::vector<TaskPtr>& tasks) {
  ArrayRequest request{.token = random_token(), .elements = tasks.size(), .worker = settings_.worker};
  std::vector<ArrayTask> array;
  {
    const MutexLock lock(mutex_);
    request.threads = tasks.front()->threads;
    request.memory_bytes = tasks.front()->memory_bytes;
    request.minutes = tasks.front()->minutes;
    for (const TaskPtr& task : tasks) array.push_back({task->key, task->part});
  }
  arrays_[request.token] = elements_of(array);
  next_ask_ = std::min(next_ask_, now() + settings_.ask);
  const Status recorded = exchange_.put_array(request.token, array, exchange_deadline());
  const Status sent = recorded ? commands_.submit(request) : recorded;
  const MutexLock lock(mutex_);
  if (recorded) note_answer(sent);
  const bool later = !sent && (sent.error().code == Code::too_many || sent.error().code == Code::not_found);
  if (!recorded || later) {
    paused_until_ = now() + kPause;
    warn("slurm.paused", sent.error());
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
    task.line = task.index = i;
    task.doubtful = !sent;
    const auto place = tasks_.find(task.key);
    const bool wanted = place != tasks_.end() && place->second == tasks[i] && !task.leaving;
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
  const auto ended = exchange_.ended(exchange_deadline());
  if (!ended) return warn("slurm.store", ended.error());
  for (const TaskPtr& task : open) {
    if (!ended->contains(task->key)) continue;
    auto end = exchange_.find_end(task->key, exchange_deadline());
    if (!end) warn("slurm.store", end.error());
    if (!end || !*end) continue;
    const MutexLock lock(mutex_);
    if (!task->settled()) task->end = **end;
    changed_.notify_all();
  }
}

void SlurmRunner::note_answer(const Status& answered) {
  const bool silent =
      !answered && (answered.error().code == Code::unavailable || answered.error().code == Code::not_found);
  if (silent && !counts_.unreachable) warn("slurm.unreachable", answered.error());
  if (!silent && counts_.unreachable) log::write(log::Level::info, "slurm.answers", {});
  counts_.unreachable = silent ? std::optional(answered.error()) : std::nullopt;
}

void SlurmRunner::ask() {
  const Instant asked = now();
  if (most_elements_ == 0) {
    if (const auto config = commands_.config()) {
      most_elements_ = config->most_elements;
      const MutexLock lock(mutex_);
      accounting_ = config->accounting;
    }
  }
  const auto elements = commands_.elements();
  // Later than Slurm's word: an element that is over has claimed what it ran.
  const Status followed = elements ? follow_claims(*elements) : ok();
  {
    const MutexLock lock(mutex_);
    note_answer(elements ? ok() : Status(elements.error()));
    next_ask_ = now() + settings_.ask;
    if (!followed) warn("slurm.store", followed.error());
    if (!elements || !followed) return;
    judge(*elements, asked);
    next_ask_ =
        now() + (tasks_.empty() && suspects_.empty() ? std::max(settings_.ask, kIdle) : settings_.ask);
  }
  keep_lost();
  drop_unclaimed();
  cancel_unwanted(*elements);
  start_held();
  drop_arrays();
}

/// A line that was claimed and the one whose element it was change places: so each line has an element of its
/// own, and lines that nobody claimed those that have claimed nothing.
Status SlurmRunner::follow_claims(const Elements& elements) {
  for (auto& [token, element_of] : arrays_) {
    if (element_of.empty()) continue;
    LOOM_TRY(const auto claims, exchange_.claims(token, exchange_deadline()));
    std::map<std::size_t, std::size_t> claimants;
    for (const Claim& claim : claims) {
      if (claim.line >= element_of.size() || claim.element >= element_of.size()) continue;
      // Of two that met at one line, the one that is over may have been killed before it gave it up.
      const auto found = elements.find({token, claim.element});
      const bool over = found == elements.end() || is_over(found->second.state);
      if (!over || !claimants.contains(claim.line)) claimants[claim.line] = claim.element;
    }
    for (const auto& [line, element] : claimants)
      std::swap(element_of[line], *std::ranges::find(element_of, element));
  }
  const MutexLock lock(mutex_);
  for (const auto& [key, task] : tasks_) {
    const auto array = arrays_.find(task->token);
    if (array != arrays_.end() && task->line < array->second.size()) task->index = array->second[task->line];
  }
  return ok();
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
    if (task->element && accounting_.value_or(true))
      unkept_.push_back({.token = task->token,
                         .index = task->index,
                         .slurm_id = task->element->slurm_id,
                         .key = key,
                         .folder = task->folder,
                         .at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())});
    log::write(log::Level::warning, "slurm.lost",
               {{"task", key}, {"state", task->element ? task->element->state : "unknown"}});
  }
  changed_.notify_all();
}

/// So that their accounts are asked for, by a later server too.
void SlurmRunner::keep_lost() {
  std::erase_if(unkept_, [&](const LostElement& lost) {
    const Status kept = exchange_.put_lost(lost, exchange_deadline());
    if (!kept) warn("slurm.store", kept.error());
    return kept.has_value();
  });
}

Result<std::uint64_t> SlurmRunner::account(const std::function<Counted(const LateUse&)>& count) {
  constexpr std::size_t kMost = 50;
  constexpr auto kPatience = std::chrono::hours(7 * 24);
  const auto known = [this] {
    const MutexLock lock(mutex_);
    return accounting_;
  }();
  if (known == false) return std::uint64_t{0};
  LOOM_TRY(const auto lost, exchange_.lost(accounted_up_to_, kMost, exchange_deadline()));
  accounted_up_to_ = lost.size() < kMost ? std::string() : Exchange::name_of(lost.back());
  if (lost.empty()) return std::uint64_t{0};
  std::vector<std::string> ids;
  for (const LostElement& one : lost) ids.push_back(one.slurm_id);
  LOOM_TRY(const Accounts accounts, commands_.accounts(ids));
  std::uint64_t counted = 0;
  for (const LostElement& one : lost) {
    const auto found = accounts.find({one.token, one.index});
    const bool given_up = std::chrono::system_clock::now() - one.at > kPatience;
    if (found == accounts.end() && !given_up) continue;
    if (found != accounts.end()) {
      const Account& account = found->second;
      if (count({one.folder, account.cpu, account.wall, account.peak_bytes}) == Counted::not_yet && !given_up)
        continue;
      note_account(one, account);
      ++counted;
    }
    LOOM_CHECKED(exchange_.remove_lost(one, exchange_deadline()));
  }
  const MutexLock lock(mutex_);
  counts_.accounted += counted;
  return counted;
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
      if (!suspects_.contains(place)) continue;
      ids.push_back(element.slurm_id);
      // It may have taken a task that is wanted meanwhile.
      const auto array = arrays_.find(place.first);
      if (array != arrays_.end() && !array->second.empty()) cancelled_.insert(place);
    }
    suspects_ = std::move(unwanted);
  }
  if (ids.empty()) return;
  if (const Status cancelled = commands_.cancel(ids); !cancelled) warn("slurm.cancel", cancelled.error());
}

/// Slurm puts an element whose node did not answer back for two minutes, whatever --no-requeue says.
void SlurmRunner::start_held() {
  const bool by_wish =  // of the site: its tasks begin when it said
      std::ranges::any_of(settings_.site.extra, [](const auto& flag) { return flag.starts_with("--begin"); });
  if (by_wish) return;
  std::vector<std::string> ids;
  std::set<Place> held;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, task] : tasks_) {
      if (!task->outstanding() || !task->element || !is_held(*task->element)) continue;
      held.emplace(task->token, task->index);
      // Once each time: where a rule of the site holds it back, we do not ask for ever.
      if (!held_.contains({task->token, task->index})) ids.push_back(task->element->slurm_id);
    }
  }
  held_ = std::move(held);
  if (ids.empty()) return;
  log::write(log::Level::info, "slurm.held", {{"elements", fmt::format("{}", fmt::join(ids, ","))}});
  const Status started = commands_.start_now(ids);
  if (started) return;
  warn("slurm.start", started.error());
  held_.clear();
}

void SlurmRunner::drop_unclaimed() {
  if (now() - started_ < settings_.unclaimed) return;
  std::vector<TaskPtr> dropped;
  {
    const MutexLock lock(mutex_);
    if (detached_) return;
    for (const auto& [key, task] : tasks_) {
      if (task->claimed || task->leaving) continue;
      leave(*task);
      dropped.push_back(task);
    }
  }
  for (const TaskPtr& task : dropped) withdraw(task);
}

void SlurmRunner::drop_arrays() {
  std::set<std::string> used;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, task] : tasks_) used.insert(task->token);
  }
  for (auto array = arrays_.begin(); array != arrays_.end();) {
    const std::string& token = array->first;
    const bool gone = !used.contains(token) && exchange_.remove_array(token, exchange_deadline());
    if (gone) {
      const MutexLock lock(mutex_);
      std::erase_if(cancelled_, [&](const Place& place) { return place.first == token; });
    }
    array = gone ? arrays_.erase(array) : std::next(array);
  }
}

}  // namespace loom::exec::slurm
