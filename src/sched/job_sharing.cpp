#include "sched/local_scheduler.hpp"

namespace loom::sched {

namespace {

/// A job of a server that is gone waits no longer than this for another one.
constexpr std::chrono::milliseconds kLook{250};

}  // namespace

Result<LocalScheduler::Turn> LocalScheduler::take_over(const ActivePtr& job) {
  if (!options_.shared || job->rendering) return Turn::ours;
  auto hold = job->hold ? job->hold : JobClaims::take(claims_, job->job.id);
  if (!hold) {
    const MutexLock lock(mutex_);
    if (job->phase != ActiveJob::Phase::ended) job->phase = ActiveJob::Phase::elsewhere;
    return Turn::not_ours;
  }
  auto now_is = store_.get(job->job.id, soon());
  const bool gone = !now_is && now_is.error().code == Code::not_found;
  if (!now_is && !gone) return now_is.error();
  if (!gone && !store::is_final(now_is->state)) {
    // Whoever had it before is gone, and what it started with it.
    LOOM_CHECKED(store_.end_leases_of(job->job.id, now(), soon()));
    LOOM_TRY(now_is, store_.get(job->job.id, soon()));
  }
  const MutexLock lock(mutex_);
  job->hold = std::move(hold);
  if (gone || store::is_final(now_is->state)) {
    if (job->phase != ActiveJob::Phase::ended) drop(job);
    return Turn::not_ours;
  }
  job->job = *std::move(now_is);
  return Turn::ours;
}

void LocalScheduler::lease_gone(const ActivePtr& job, std::size_t index) {
  const auto tasks = store_.tasks(job->job.id, static_cast<std::uint32_t>(index), 1, soon());
  const MutexLock lock(mutex_);
  job->leases.erase(static_cast<std::uint32_t>(index));
  if (job->phase != ActiveJob::Phase::searching) return;
  if (!tasks || tasks->empty() || tasks->front().state == store::TaskState::ready) unclaim(job, index);
}

void LocalScheduler::follow(const std::vector<store::Event>& events) {
  const MutexLock lock(mutex_);
  for (const store::Event& event : events) {
    const auto known = jobs_.find(event.job);
    if (known == jobs_.end()) {
      if (event.state == store::JobState::queued) news_.push_back(event.job);
      continue;
    }
    const ActivePtr job = known->second;
    // What happened before it came here is in it.
    if (!store::is_final(event.state) || event.seq <= job->job.version) continue;
    if (job->hold && event.state != store::JobState::cancelled) continue;  // this server's own doing
    job->stop.request_stop();
    drop(job);
  }
  if (!news_.empty()) told_.notify_all();
}

void LocalScheduler::follow_loop() {
  for (;;) {
    {
      const Instant until = std::chrono::steady_clock::now() + kLook;
      const MutexLock lock(mutex_);
      while (!stopping_ && news_.empty() && std::chrono::steady_clock::now() < until)
        told_.wait_until(mutex_, until);
      if (stopping_) return;
    }
    take_news();
    claim_left();
  }
}

void LocalScheduler::take_news() {
  std::vector<store::JobId> news;
  {
    const MutexLock lock(mutex_);
    news.swap(news_);
  }
  for (const store::JobId& id : news) {
    const auto job = store_.get(id, soon());
    if (job && !store::is_final(job->state)) queued(*job);
    if (job || job.error().code == Code::not_found) continue;
    const MutexLock lock(mutex_);
    news_.push_back(id);
  }
}

/// Puts those in line again whose server has let them go.
void LocalScheduler::claim_left() {
  const MutexLock lock(mutex_);
  std::vector<ActivePtr> left;
  for (const auto& [number, job] : begun_)
    if (job->phase == ActiveJob::Phase::elsewhere && job->running == 0 &&
        (job->hold = JobClaims::take(claims_, job->job.id)))
      left.push_back(job);
  for (const ActivePtr& job : left) wait(job);
  if (!left.empty()) changed_.notify_all();
}

}  // namespace loom::sched
