#include "sched/beat.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <random>
#include <thread>

#include "base/mutex.hpp"
#include "sched/task_records.hpp"

namespace loom::sched {

namespace {

namespace json = boost::json;
using Wall = std::chrono::system_clock;

constexpr const char* kLeader = "beat";
constexpr std::chrono::seconds kTerm{120};

std::string text_of(Wall::time_point when) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(Wall::to_time_t(when)));
}

class ThreadBeat final : public Beat {
 public:
  ThreadBeat(store::JobStore& store, std::vector<Periodic> tasks)
      : store_(store), holder_(store::random_token()) {
    for (Periodic& task : tasks)
      entries_.push_back({.task = std::move(task), .next = soon(std::chrono::seconds(1))});
    thread_ = std::thread([this] { loop(); });
  }
  ThreadBeat(const ThreadBeat&) = delete;
  ThreadBeat& operator=(const ThreadBeat&) = delete;
  ~ThreadBeat() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
    // Another server need not wait for the end of the term.
    const MutexLock lock(mutex_);
    if (leads_)
      static_cast<void>(store_.try_lead(kLeader, holder_, store::wall_now(), store::wall_now(),
                                        Deadline::in(std::chrono::seconds(2))));
  }

  [[nodiscard]] std::string report() const override {
    const MutexLock lock(mutex_);
    json::array tasks;
    for (const Entry& entry : entries_) {
      json::object one{{"name", entry.task.name},
                       {"every_seconds", entry.task.every.count()},
                       {"runs", entry.runs},
                       {"failures", entry.failures},
                       {"items", entry.items}};
      if (entry.runs > 0) {
        one["last_run"] = text_of(entry.last);
        one["last_seconds"] = entry.last_seconds;
        one["last_items"] = entry.last_items;
        if (!entry.last_error.empty()) one["last_error"] = entry.last_error;
      }
      tasks.push_back(std::move(one));
    }
    return json::serialize(json::object{{"leader", leads_}, {"tasks", std::move(tasks)}});
  }

 private:
  struct Entry {
    Periodic task;
    Instant next{};
    std::uint64_t runs = 0;
    std::uint64_t failures = 0;
    std::uint64_t items = 0;
    Wall::time_point last{};
    double last_seconds = 0;
    std::uint64_t last_items = 0;
    std::string last_error{};
  };

  Instant soon(std::chrono::seconds every) {
    std::uniform_int_distribution<std::int64_t> spread(0, every.count() * 100);
    return std::chrono::steady_clock::now() + every + std::chrono::milliseconds(spread(random_));
  }

  void loop() {
    for (;;) {
      std::size_t due = 0;
      {
        const MutexLock lock(mutex_);
        const auto first = std::ranges::min_element(entries_, {}, &Entry::next);
        while (!stopping_ && std::chrono::steady_clock::now() < first->next)
          changed_.wait_until(mutex_, first->next);
        if (stopping_) return;
        due = static_cast<std::size_t>(first - entries_.begin());
      }
      run(due);
    }
  }

  void run(std::size_t index) {
    const auto lead = store_.try_lead(kLeader, holder_, store::wall_now(), store::wall_now() + kTerm,
                                      Deadline::in(std::chrono::seconds(10)));
    const bool leads = lead && lead->holder == holder_;
    const Instant began = std::chrono::steady_clock::now();
    const bool runs = leads || entries_[index].task.everywhere;
    const Result<std::uint64_t> done = runs ? entries_[index].task.run() : Result<std::uint64_t>(0);
    const MutexLock lock(mutex_);
    leads_ = leads;
    Entry& entry = entries_[index];
    entry.next = soon(entry.task.every);
    if (!runs) return;
    ++entry.runs;
    entry.last = Wall::now();
    entry.last_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    entry.last_items = done ? *done : 0;
    entry.items += entry.last_items;
    entry.last_error = done ? "" : done.error().message;
    if (!done) ++entry.failures;
  }

  store::JobStore& store_;
  const std::string holder_;
  std::minstd_rand random_{std::random_device{}()};  // of the constructor, then of the thread
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Entry> entries_;  // tasks never change; the rest under mutex_
  bool leads_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Beat> Beat::start(store::JobStore& store, std::vector<Periodic> tasks) {
  return std::make_unique<ThreadBeat>(store, std::move(tasks));
}

Periodic metrics_backfill(store::JobStore& store) {
  constexpr std::size_t kAtOnce = 50;
  auto after = std::make_shared<std::optional<store::JobCursor>>();
  const auto run = [&store, after]() -> Result<std::uint64_t> {
    const Deadline deadline = Deadline::in(std::chrono::seconds(30));
    LOOM_TRY(const store::JobPage page, store.jobs_without_metrics(*after, kAtOnce, deadline));
    *after = page.next;
    std::uint64_t filled = 0;
    for (const store::Job& job : page.jobs) {
      LOOM_TRY(const auto tasks, all_tasks(store, job.id, deadline));
      if (store.set_metrics(job.id, sum_of(tasks), store::wall_now(), deadline)) ++filled;
    }
    return filled;
  };
  return {.name = "metrics_backfill", .every = std::chrono::seconds(300), .run = run};
}

}  // namespace loom::sched
