#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <numeric>

#include "sched/job_keys.hpp"
#include "sched/local_scheduler.hpp"
#include "search/coalesced.hpp"

namespace loom::sched {

namespace fs = std::filesystem;

namespace {

/// Calls `act(i)` for all i below `count`, several at once: each waits for the disk, and the store commits
/// those that wait together.
template <class Act>
void for_all(std::size_t count, const Act& act) {
  constexpr std::size_t kAtOnce = 16;
  std::atomic<std::size_t> next = 0;
  const auto loop = [&] {
    for (std::size_t i = next++; i < count; i = next++) act(i);
  };
  std::vector<std::jthread> threads;
  for (std::size_t t = 1; t < std::min(kAtOnce, count); ++t) threads.emplace_back(loop);
  loop();
}

/// As if it were planned alone: so few letters are one unit, and one task.
constexpr const char* kWholeSpec =
    R"({"search":0,"first_unit":0,"last_unit":1,"threads":1,"seconds":0,"shards":1,"together":true})";

/// What one rider of a group has on the way.
struct Riding {
  ActivePtr job;
  std::size_t rider = 0;
  std::uint64_t letters = 0;
};

}  // namespace

void LocalScheduler::run_group(const Work& work) {
  const fs::path folder =
      options_.work / fmt::format("group-{}-{}", work.jobs.front()->job.id.str(), own_name());
  std::vector<ActivePtr> left = work.jobs;  // that did not get their output here
  const auto outcome = ride(work, folder, left);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  const MutexLock lock(mutex_);
  for (const ActivePtr& job : left) {
    // Whatever it was that kept it from riding with others: by itself it will run, or fail for its own
    // reason.
    if (job->phase == ActiveJob::Phase::ended) continue;
    job->alone = true;
    wait(job);
  }
  if (outcome) {
    ++counts_.processes;
    counts_.cpu_seconds += std::chrono::duration<double>(outcome->cpu).count();
    counts_.coalesced_jobs += work.jobs.size() - left.size();
    for (const ActivePtr& job : work.jobs) {
      const double part =
          std::chrono::duration<double>(outcome->cpu).count() / static_cast<double>(work.jobs.size());
      share_.charge(job->job.request.owner, part - work.charged / static_cast<double>(work.jobs.size()),
                    std::chrono::steady_clock::now());
    }
  }
  changed_.notify_all();
}

Result<search::TaskUse> LocalScheduler::ride(const Work& work, const fs::path& folder,
                                             std::vector<ActivePtr>& left) {
  LOOM_CHECKED(search::make_folder(folder));
  LOOM_CHECKED(open_job_database(work.jobs.front()->spec));
  LOOM_TRY(search::Coalesced together, search::Coalesced::make(work.jobs.front()->spec.options, folder));
  std::vector<Riding> riding;
  left.clear();
  for (const ActivePtr& job : work.jobs) {
    const auto turn = take_over(job);
    if (turn && *turn == Turn::not_ours) continue;
    // What somebody began is gone on with as it is.
    if (!turn || job->job.state != store::JobState::queued || job->job.tasks_total > 0) {
      left.push_back(job);
      continue;
    }
    const fs::path query = folder / (job->job.id.str() + ".fasta");
    const Status fetched = fetch_query(job->job, query);
    const auto rider = fetched ? together.add(query) : Result<std::optional<std::size_t>>(fetched.error());
    if (rider && *rider) {
      riding.push_back({.job = job, .rider = **rider, .letters = job->job.request.letters});
    } else {
      left.push_back(job);
    }
  }
  search::NoWatch watch;
  search::TaskRunner tasks(*work.jobs.front()->runner, folder, watch, 1);
  // Nobody's cancel ends it: the others go on.
  const auto use = riding.empty() ? Result<search::TaskUse>(search::TaskUse{})
                                  : together.run(tasks, group_stop_.get_token());
  if (!use) {
    for (const Riding& one : riding) left.push_back(one.job);
    return use;
  }
  std::vector<char> done(riding.size(), 0);
  for_all(riding.size(), [&](std::size_t i) {
    const auto metrics = store::RuntimeMetrics{
        .cpu_seconds = std::chrono::duration<double>(use->cpu).count() / static_cast<double>(riding.size()),
        .wall_seconds = std::chrono::duration<double>(use->wall).count(),
        .peak_bytes = use->peak_bytes,
        .letters = riding[i].letters};
    const Status ended = deliver(riding[i].job, together, riding[i].rider, folder, metrics);
    done[i] = ended || ended.error().code == Code::conflict || ended.error().code == Code::not_found ? 1 : 0;
  });
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < riding.size(); ++i) {
    if (done[i] == 0) {
      left.push_back(riding[i].job);
    } else if (riding[i].job->phase != ActiveJob::Phase::ended) {
      riding[i].job->job.state = store::JobState::completed;
      drop(riding[i].job);
    }
  }
  return use;
}

/// Keeps the output of one rider and takes its job to its end. Errors: conflict when it was cancelled.
Status LocalScheduler::deliver(const ActivePtr& job, const search::Coalesced& together, std::size_t rider,
                               const fs::path& folder, const store::RuntimeMetrics& metrics) {
  const store::JobId& id = job->job.id;
  const fs::path out = folder / (id.str() + ".out");
  const fs::path said = folder / (id.str() + ".said");
  {
    std::FILE* to = std::fopen(said.c_str(), "wbe");
    if (to == nullptr) return system_error(errno, "write the job's messages");
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closing(to, &std::fclose);
    search::Messages messages(to);
    LOOM_CHECKED(together.write(rider, out, messages));
  }
  LOOM_CHECKED(storage::put_file(objects_, messages_key(id), said, Deadline::never()));
  LOOM_CHECKED(storage::put_file(objects_, output_key(id), out, Deadline::never()));
  const store::NewTask whole{.first_query = 0,
                             .queries = job->job.request.queries,
                             .letters = job->job.request.letters,
                             .spec = kWholeSpec};
  LOOM_CHECKED(store_.start(id, std::span(&whole, 1), now(), soon()));
  LOOM_TRY(const auto leased,
           store_.lease_tasks(id, name_, 1, now() + std::chrono::seconds(60), now(), soon()));
  if (leased.empty()) return error(Code::conflict, "the task was given away");
  LOOM_CHECKED(store_.finish_task(leased.front().lease, kTogether, metrics, now(), soon()));
  LOOM_CHECKED(store_.move_job(id, store::JobState::merging, {}, now(), soon()));
  return complete(id, metrics);
}

}  // namespace loom::sched
