#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "sched/job_keys.hpp"
#include "sched/local_scheduler.hpp"
#include "search/coalesced.hpp"
#include "sequence/byte_source.hpp"
#include "sequence/memory_source.hpp"

namespace loom::sched {

namespace fs = std::filesystem;

namespace {

/// As if it were planned alone: so few letters are one unit, and one task.
constexpr const char* kWholeSpec =
    R"({"search":0,"first_unit":0,"last_unit":1,"threads":1,"seconds":0,"shards":1,"together":true})";

std::unique_ptr<sequence::ByteSource> open_text(std::string_view text) {
  return std::make_unique<sequence::MemorySource>(text);
}

}  // namespace

Result<std::string> LocalScheduler::query_of(const store::Job& job, const fs::path& file) {
  if (job.request.query_key.empty()) return store_.query(job.id, store_deadline());
  LOOM_CHECKED(fetch_query(job, file));
  LOOM_TRY(const auto source, sequence::open_byte_source(file.string()));
  std::string text;
  std::array<char, 4096> block{};
  for (;;) {
    LOOM_TRY(const std::size_t got, source->read(block));
    if (got == 0) return text;
    text.append(block.data(), got);
  }
}

void LocalScheduler::run_group(const Work& work) {
  const fs::path folder = options_.work / fmt::format("group-{}", work.jobs.front()->job.id.str());
  std::vector<ActivePtr> left = work.jobs;  // that did not get their output here
  bool threw = true;
  const auto outcome = guarded([&] {
    auto rode = ride(work, folder, left);
    threw = false;
    return rode;
  });
  if (threw) {
    log::write(log::Level::error, "group.threw", {{"reason", outcome.error().message}});
    left = not_ended(work);
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  for (const ActivePtr& job : left) go_alone(job);
  if (!outcome) return;
  const MutexLock lock(mutex_);
  counts_.cpu_seconds += seconds_of(outcome->cpu);
  const auto riders = static_cast<double>(work.jobs.size());
  const double part = (seconds_of(outcome->cpu) - work.charged) / riders;
  for (const ActivePtr& job : work.jobs)
    board_.share.charge(job->job.request.owner, part, std::chrono::steady_clock::now());
}

/// Those that only this work has: not those that wait for an equal one, or were taken up again since.
std::vector<ActivePtr> LocalScheduler::not_ended(const Work& work) {
  std::vector<ActivePtr> left;
  const MutexLock lock(mutex_);
  std::ranges::copy_if(work.jobs, std::back_inserter(left), [](const ActivePtr& job) {
    return job->phase == ActiveJob::Phase::preparing && !job->follows && job->running == 1;
  });
  return left;
}

/// Whatever it was that kept it from riding with others: by itself it will run, or fail for its own reason.
void LocalScheduler::go_alone(const ActivePtr& job) {
  std::optional<store::Lease> lease;
  {
    const MutexLock lock(mutex_);
    if (const auto held = job->leases.extract(0U); held) lease = held.mapped();
  }
  // A lease that was lost, or is not given back now, ends by itself.
  if (lease)
    static_cast<void>(store_.release_task(*lease, {"lost", "the run in company with others failed"}, now(),
                                          store_deadline()));
  const MutexLock lock(mutex_);
  if (job->phase == ActiveJob::Phase::ended) return;
  job->alone = true;
  board_.wait(job);
  changed_.notify_all();
}

Result<search::TaskUse> LocalScheduler::ride(const Work& work, const fs::path& folder,
                                             std::vector<ActivePtr>& left) {
  LOOM_CHECKED(search::make_empty_folder(folder));
  LOOM_CHECKED(open_job_database(work.jobs.front()->spec));
  LOOM_TRY(search::Coalesced together, search::Coalesced::make(work.jobs.front()->spec.options, folder));
  left.clear();
  std::vector<Riding> riding;
  const std::optional<std::string> around = surroundings(*work.jobs.front());  // and of all the others
  for (const ActivePtr& job : work.jobs) {
    name_search(job, around);
    if (needs_no_search(job)) continue;
    const fs::path file = folder / (job->job.id.str() + ".fasta");
    auto query = query_of(job->job, file);
    if (query && answered_by_parts(job, *open_text(*query))) continue;
    const auto rider =
        query ? together.add(*open_text(*query)) : Result<std::optional<std::size_t>>(query.error());
    if (rider && *rider) {
      riding.push_back({.job = job, .rider = **rider, .query = *std::move(query)});
    } else {
      left.push_back(job);
    }
  }
  begin_riders(riding, left);
  search::NoWatch watch;
  search::TaskRunner tasks(*work.jobs.front()->runner, folder, watch, search::Durable::no, 1);
  // Nobody's cancel ends it: the others go on.
  const auto use = riding.empty() ? Result<search::TaskUse>(search::TaskUse{})
                                  : together.run(tasks, group_stop_.get_token());
  if (riding.empty()) return use;
  if (use) {
    for (const Riding& one : riding) note(one.job, use->note);
    deliver(riding, together, *use, left);
  } else {
    for (const Riding& one : riding) left.push_back(one.job);
  }
  return use;
}

/// Those that were cancelled meanwhile are in neither list after it.
void LocalScheduler::begin_riders(std::vector<Riding>& riding, std::vector<ActivePtr>& left) {
  std::vector<store::WholeJob> jobs;
  for (const Riding& one : riding)
    jobs.push_back({.id = one.job->job.id,
                    .task = {.first_query = 0,
                             .queries = one.job->job.request.queries,
                             .letters = one.job->job.request.letters,
                             .spec = kWholeSpec}});
  const auto until = now() + std::chrono::duration_cast<std::chrono::milliseconds>(options_.lease);
  const auto begun = store_.begin_whole(jobs, name_, until, now(), store_deadline());
  std::vector<Riding> begun_ones;
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < riding.size(); ++i) {
    const ActivePtr& job = riding[i].job;
    if (begun[i]) {
      job->job = begun[i]->job;
      job->leases.insert_or_assign(0, begun[i]->lease);
      begun_ones.push_back(riding[i]);
      begun_ones.back().lease = begun[i]->lease;
    } else if (!is_over(begun[i].error())) {
      left.push_back(job);
    }
  }
  riding = std::move(begun_ones);
}

/// Keeps the outputs of the riders and takes their jobs to their ends.
void LocalScheduler::deliver(const std::vector<Riding>& riding, const search::Coalesced& together,
                             const search::TaskUse& use, std::vector<ActivePtr>& left) {
  std::vector<store::WholeEnd> ends;
  std::vector<ActivePtr> ending;
  for (const Riding& one : riding) {
    const store::RuntimeMetrics metrics{
        .cpu_seconds = seconds_of(use.cpu) / static_cast<double>(riding.size()),
        .wall_seconds = seconds_of(use.wall),
        .peak_bytes = use.peak_bytes,
        .letters = one.job->job.request.letters};
    store::WholeEnd end{
        .job = one.job->job.id, .lease = one.lease, .output_key = kTogether, .metrics = metrics};
    auto answer = answer_of(together, one.rider);
    if (answer && !one.job->key.empty()) {
      reuse_.keep(one.job->key, one.job->job.request.sha256, answer->output, answer->messages);
      keep_parts(*one.job, *open_text(one.query), answer->output, answer->messages);
    }
    const Status kept = answer ? keep(end, *std::move(answer)) : Status(answer.error());
    if (kept) {
      ends.push_back(std::move(end));
      ending.push_back(one.job);
    } else {
      left.push_back(one.job);
    }
  }
  const auto ended = store_.end_whole(ends, now(), store_deadline());
  std::vector<char> again(ending.size(), 0);
  for (std::size_t i = 0; i < ending.size(); ++i)
    again[i] = !ended[i] && still_runs(ending[i]->job.id, ended[i].error()) ? 1 : 0;
  const MutexLock lock(mutex_);
  ++counts_.processes;
  for (std::size_t i = 0; i < ending.size(); ++i) {
    if (again[i] != 0) {
      left.push_back(ending[i]);
      continue;
    }
    ending[i]->leases.clear();
    if (ended[i]) {
      ++counts_.tasks_done;
      ++counts_.coalesced_jobs;
    }
    if (ending[i]->phase == ActiveJob::Phase::ended) continue;
    ending[i]->job.state = store::JobState::completed;
    drop(ending[i]);
  }
}

bool LocalScheduler::still_runs(const store::JobId& id, const Error& why) {
  if (!is_over(why)) return true;
  const auto found = store_.get(id, store_deadline());
  return found && found->state == store::JobState::running;
}

Result<store::Answer> LocalScheduler::answer_of(const search::Coalesced& together, std::size_t rider) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* to = ::open_memstream(&text, &size);
  if (to == nullptr) return system_error(errno, "write the job's messages");
  search::Messages messages(to);
  auto output = together.output(rider, messages);
  std::fclose(to);
  const std::unique_ptr<char, void (*)(void*)> freeing(text, &std::free);
  if (!output) return output.error();
  return store::Answer{*std::move(output), std::string(text, size)};
}

/// Into `end` if it is small, else into the object store.
Status LocalScheduler::keep(store::WholeEnd& end, store::Answer answer) {
  if (answer.output.size() + answer.messages.size() <= store::kMostAnswerBytes) {
    end.answer = std::move(answer);
    return ok();
  }
  LOOM_CHECKED(
      objects_.put(messages_key(end.job), std::as_bytes(std::span(answer.messages)), Deadline::never()));
  return objects_.put(output_key(end.job), std::as_bytes(std::span(answer.output)), Deadline::never());
}

}  // namespace loom::sched
