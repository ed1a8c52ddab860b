#include "sched/beat_tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/guarded.hpp"
#include "base/random.hpp"
#include "base/time_text.hpp"

namespace loom::sched {

namespace {

namespace json = boost::json;

}  // namespace

BeatTasks::BeatTasks(store::JobStore* leases, std::vector<Periodic> tasks, const Clock& clock,
                     std::function<store::UnixTime()> wall)
    : leases_(leases), clock_(clock), wall_(std::move(wall)), holder_(random_token()) {
  for (Periodic& task : tasks)
    entries_.push_back({.task = std::move(task), .next = next_run(std::chrono::seconds(1))});
}

Instant BeatTasks::next() const {
  const MutexLock lock(mutex_);
  return std::ranges::min_element(entries_, {}, &Entry::next)->next;
}

void BeatTasks::run_first() {
  const auto due = [this] {
    const MutexLock lock(mutex_);
    return std::ranges::min_element(entries_, {}, &Entry::next);
  }();
  const std::optional<Duration> wait = wait_to_lead();
  const Instant began = clock_.now();
  const Result<std::uint64_t> done = wait ? Result<std::uint64_t>(0) : guarded(due->task.run);
  const MutexLock lock(mutex_);
  leads_ = leases_ != nullptr && !wait;
  Entry& entry = *due;
  entry.next = next_run(wait ? std::min<Duration>(*wait, entry.task.every) : entry.task.every);
  if (wait) return;
  ++entry.runs;
  entry.last = wall_();
  entry.last_seconds = seconds_of(clock_.now() - began);
  entry.last_items = done ? *done : 0;
  entry.items += entry.last_items;
  entry.last_error = done ? "" : done.error().message;
  if (!done) ++entry.failures;
}

std::optional<Duration> BeatTasks::wait_to_lead() {
  if (leases_ == nullptr) return std::nullopt;
  const store::UnixTime now = wall_();
  const auto lead =
      leases_->try_lead(kLeader, holder_, now, now + kTerm, Deadline::in(std::chrono::seconds(10)));
  if (!lead) return kRetry;
  if (lead->holder == holder_) return std::nullopt;
  // Whatever the other's clock says: no longer than a term, and not at once.
  return std::clamp<Duration>(lead->until - now, std::chrono::seconds(1), kTerm);
}

void BeatTasks::resign() {
  {
    const MutexLock lock(mutex_);
    if (!leads_) return;
    leads_ = false;
  }
  const store::UnixTime now = wall_();
  static_cast<void>(leases_->try_lead(kLeader, holder_, now, now, Deadline::in(std::chrono::seconds(2))));
}

Instant BeatTasks::next_run(Duration every) {
  std::uniform_int_distribution<Duration::rep> spread(0, every.count() / 10);
  return clock_.now() + every + Duration(spread(random_));
}

std::string BeatTasks::report() const {
  const MutexLock lock(mutex_);
  json::array tasks;
  for (const Entry& entry : entries_) {
    json::object one{{"name", entry.task.name},
                     {"every_seconds", entry.task.every.count()},
                     {"runs", entry.runs},
                     {"failures", entry.failures},
                     {"items", entry.items}};
    if (entry.runs > 0) {
      one["last_run"] = time_text(std::chrono::floor<std::chrono::seconds>(entry.last));
      one["last_seconds"] = entry.last_seconds;
      one["last_items"] = entry.last_items;
      if (!entry.last_error.empty()) one["last_error"] = entry.last_error;
    }
    tasks.push_back(std::move(one));
  }
  return json::serialize(json::object{{"leader", leads_}, {"tasks", std::move(tasks)}});
}

}  // namespace loom::sched
