#include "sched/beat.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include "base/mutex.hpp"
#include "sched/beat_tasks.hpp"
#include "sched/task_records.hpp"

namespace loom::sched {

namespace {

class ThreadBeat final : public Beat {
 public:
  ThreadBeat(store::JobStore* leases, std::vector<Periodic> tasks)
      : tasks_(leases, std::move(tasks), steady_clock(), store::wall_now), thread_([this] { loop(); }) {}
  ThreadBeat(const ThreadBeat&) = delete;
  ThreadBeat& operator=(const ThreadBeat&) = delete;
  ~ThreadBeat() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
    tasks_.resign();
  }

  [[nodiscard]] std::string report() const override { return tasks_.report(); }

 private:
  void loop() {
    for (;;) {
      const Instant due = tasks_.next();
      {
        const MutexLock lock(mutex_);
        while (!stopping_ && steady_clock().now() < due) changed_.wait_until(mutex_, due);
        if (stopping_) return;
      }
      tasks_.run_first();
    }
  }

  BeatTasks tasks_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // the last, for it uses the others
};

}  // namespace

std::unique_ptr<Beat> Beat::start(store::JobStore& store, std::vector<Periodic> tasks) {
  return std::make_unique<ThreadBeat>(&store, std::move(tasks));
}

std::unique_ptr<Beat> Beat::start(std::vector<Periodic> tasks) {
  return std::make_unique<ThreadBeat>(nullptr, std::move(tasks));
}

namespace {

/// Adds to the metrics of a completed job what tasks took that were lost.
Late count_late(store::JobStore& store, const store::JobId& id, const store::RuntimeMetrics& use,
                Deadline deadline) {
  const auto job = store.get(id, deadline);
  if (!job) return job.error().code == Code::not_found ? Late::done : Late::not_yet;
  if (!is_final(job->state) || (job->state == store::JobState::completed && !job->metrics))
    return Late::not_yet;
  if (job->state != store::JobState::completed) return Late::done;
  store::RuntimeMetrics sum = *job->metrics;
  sum.cpu_seconds += use.cpu_seconds;
  sum.wall_seconds += use.wall_seconds;
  sum.peak_bytes = std::max(sum.peak_bytes, use.peak_bytes);
  return store.set_metrics(id, sum, store::wall_now(), deadline) ? Late::done : Late::not_yet;
}

}  // namespace

Periodic metrics_backfill(store::JobStore& store, LateMetrics late) {
  constexpr std::size_t kAtOnce = 50;
  auto after = std::make_shared<std::optional<store::JobCursor>>();
  const auto run = [&store, after, late = std::move(late)]() -> Result<std::uint64_t> {
    const Deadline deadline = Deadline::in(std::chrono::seconds(30));
    LOOM_TRY(const store::JobPage page, store.jobs_without_metrics(*after, kAtOnce, deadline));
    *after = page.next;
    std::uint64_t filled = 0;
    for (const store::Job& job : page.jobs) {
      LOOM_TRY(const auto tasks, all_tasks(store, job.id, deadline));
      if (store.set_metrics(job.id, sum_of(tasks), store::wall_now(), deadline)) ++filled;
    }
    if (!late) return filled;
    LOOM_TRY(const std::uint64_t more, late([&](const store::JobId& id, const store::RuntimeMetrics& use) {
               return count_late(store, id, use, deadline);
             }));
    return filled + more;
  };
  return {.name = "metrics_backfill", .every = std::chrono::seconds(300), .run = run};
}

}  // namespace loom::sched
