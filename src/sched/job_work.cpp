#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/fd.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "blast/program.hpp"
#include "exec/failure.hpp"
#include "sched/archive_format.hpp"
#include "sched/job_keys.hpp"
#include "sched/local_scheduler.hpp"
#include "sched/task_records.hpp"
#include "search/messages.hpp"
#include "search/scout.hpp"
#include "sequence/byte_source.hpp"

namespace loom::sched {

namespace fs = std::filesystem;

namespace {

store::RuntimeMetrics metrics_of(const search::TaskUse& use, std::uint64_t letters) {
  return {.cpu_seconds = seconds_of(use.cpu),
          .wall_seconds = seconds_of(use.wall),
          .peak_bytes = use.peak_bytes,
          .letters = letters};
}

/// The class and a sentence.
store::Failure failure_of(const Error& why, const std::optional<exec::Failure>& failure) {
  if (failure) return {std::string(exec::name(failure->failure_class)), failure->sentence};
  switch (why.code) {
    case Code::invalid_argument:
      return {"input", why.message};
    case Code::disk_full:
      return {"disk", why.message};
    case Code::out_of_memory:
      return {"memory", why.message};
    case Code::corrupt:
    case Code::conflict:
      return {"database", why.message};
    default:
      return {"engine", why.message};
  }
}

/// What a client is told: without the path of our work folder.
store::Failure told(const Error& why, const std::optional<exec::Failure>& failure, const fs::path& work) {
  store::Failure words = failure_of(why, failure);
  words.sentence = search::named_from(work, std::move(words.sentence));
  return words;
}

}  // namespace

Status LocalScheduler::fetch_query(const store::Job& job, const fs::path& target) {
  if (job.request.query_key.empty()) {
    // Small, and written again whenever the job is taken up: so it needs not be durable here.
    LOOM_TRY(const std::string text, store_.query(job.id, store_deadline()));
    return search::write_file(target, text);
  }
  if (std::error_code unknown; fs::exists(target, unknown)) return ok();
  LOOM_TRY(const auto reader, open_query(store_, objects_, job, Deadline::never()));
  return storage::copy_to_file(*reader, target, Deadline::never());
}

/// All that BLAST+ found stands in an imported archive: no search is needed to write it in another format.
void LocalScheduler::render_archive(const ActivePtr& job) {
  const auto render = [&]() -> Status {
    std::error_code failed;
    fs::create_directories(job->folder, failed);
    if (failed) return system_error(failed.value(), "make the job's working folder");
    LOOM_TRY(const auto reader, open_output(store_, objects_, job->job, Deadline::never()));
    const fs::path archive = job->folder / "archive";
    LOOM_CHECKED(storage::copy_to_file(*reader, archive, Deadline::never()));
    LOOM_TRY(const fs::path made, format_archive(*job->runner, archive, job->rendering->outfmt, job->folder,
                                                 job->stop.get_token()));
    return put_rendered(job, [&](const std::stop_token& stop) {
      return storage::put_file(objects_, job->rendering->key, made, Deadline::never(), stop);
    });
  };
  const Status done = render();
  if (!done) return fail(job, done.error());
  const MutexLock lock(mutex_);
  end_rendering(job, done);
}

void LocalScheduler::prepare(const ActivePtr& job) {
  if (job->rendering && job->spec.imported == kImportedArchive) return render_archive(job);
  name_search(job, surroundings(*job));
  if (needs_no_search(job)) return;
  const Status done = read_and_plan(job);
  if (!done) fail(job, done.error());
}

Status LocalScheduler::read_and_plan(const ActivePtr& job) {
  std::error_code failed;
  fs::create_directories(job->folder, failed);
  if (failed) return system_error(failed.value(), "make the job's working folder");
  if (!job->spec.imported.empty())
    return error(Code::conflict, "the import of this result was interrupted; import the file again");
  LOOM_CHECKED(open_job_database(job->spec));
  const fs::path query = job->folder / kQueryFile;
  LOOM_CHECKED(fetch_query(job->job, query));
  LOOM_TRY(const auto source, sequence::open_byte_source(query.string()));
  if (answered_by_parts(job, *source)) return ok();
  search::Request request{.options = job->spec.options, .settings = {}, .query = query};
  request.out = job->folder / "output";
  request.known = known_to(*job);
  request.settings.workers = options_.cores;
  request.settings.memory_bytes = options_.memory_bytes;
  request.settings.engine_threads = !options_.elsewhere;
  request.settings.on_saturation = job->spec.on_saturation;
  request.settings.database_path = job->spec.database_path;
  std::vector<store::Task> known;
  std::optional<plan::Plan> pinned;
  if (!job->rendering && job->job.tasks_total > 0) {
    LOOM_TRY(known, all_tasks(store_, job->job.id, store_deadline()));
    LOOM_TRY(pinned, plan_of(known));
    pinned->workers = options_.cores;
  }
  LOOM_TRY(job->split,
           search::SplitSearch::prepare(std::move(request), *job->runner, job->folder, std::move(pinned)));
  if (!job->rendering) LOOM_CHECKED(plan_in_store(job, known));
  // What rode with others has its output before its task is done.
  job->delivered = known.size() == 1 && known.front().output_key == kTogether &&
                   known.front().state == store::TaskState::done;
  for (const store::Task& task : known) {
    const auto& step = job->split->steps()[task.id.index];
    const bool gone = task.state == store::TaskState::done && !step.shard && !job->delivered &&
                      !fs::exists(job->folder / search::SplitSearch::search_name(step.search), failed);
    if (gone)
      return error(Code::disk_full,
                   "the finished part {} of this job is gone from the server's work folder; "
                   "submit it again",
                   task.id.index);
  }
  const MutexLock lock(mutex_);
  if (job->phase == ActiveJob::Phase::preparing) begin_steps(job, known);
  return ok();
}

Status LocalScheduler::plan_in_store(const ActivePtr& job, const std::vector<store::Task>& known) {
  if (!known.empty() && known.size() != job->split->steps().size())
    return error(Code::corrupt, "the stored tasks do not fit the plan; submit the job again");
  if (job->job.state != store::JobState::queued) return ok();
  std::vector<store::NewTask> tasks;
  if (known.empty()) {
    for (const search::Step& step : job->split->steps())
      tasks.push_back({.first_query = step.first_query,
                       .queries = step.queries,
                       .letters = step.letters,
                       .shard = static_cast<std::uint32_t>(step.shard.value_or(0)),
                       .spec = to_json(step, job->split->plan(), job->split->known_queries())});
  }
  if (tasks.size() == 1) return begin_whole(job, std::move(tasks.front()));
  LOOM_TRY(store::Job started, store_.start(job->job.id, tasks, now(), store_deadline()));
  const MutexLock lock(mutex_);
  if (known.empty()) counts_.reused_queries += job->split->known_queries();
  job->job = std::move(started);
  return ok();
}

/// A job of one task begins with that leased, and ends with that done: two writes in all.
Status LocalScheduler::begin_whole(const ActivePtr& job, store::NewTask task) {
  const auto until = now() + std::chrono::duration_cast<std::chrono::milliseconds>(options_.lease);
  const store::WholeJob whole{.id = job->job.id, .task = std::move(task)};
  LOOM_TRY(store::BegunJob begun,
           store_.begin_whole(std::span(&whole, 1), name_, until, now(), store_deadline()).front());
  const MutexLock lock(mutex_);
  counts_.reused_queries += job->split->known_queries();
  job->job = std::move(begun.job);
  job->leases.insert_or_assign(0, std::move(begun.lease));
  job->begun = true;
  return ok();
}

void LocalScheduler::begin_steps(const ActivePtr& job, const std::vector<store::Task>& known) {
  std::vector<ActiveJob::StepState> steps(job->split->steps().size(), ActiveJob::StepState::ready);
  for (const store::Task& task : known)
    if (task.state == store::TaskState::done) steps[task.id.index] = ActiveJob::StepState::done;
  job->set_steps(std::move(steps), options_.elsewhere);
  changed_.notify_all();
}

Result<std::pair<std::size_t, std::optional<store::Lease>>> LocalScheduler::lease_step(
    const ActivePtr& job, std::uint32_t& attempts) {
  if (job->rendering) {
    const MutexLock lock(mutex_);
    const std::size_t index = job->next_step();
    job->set_running(index);
    return std::pair{index, std::optional<store::Lease>{}};
  }
  attempts = 1;
  {
    const MutexLock lock(mutex_);
    if (const auto held = job->leases.find(0);
        std::exchange(job->begun, false) && held != job->leases.end()) {
      job->steps[0] = ActiveJob::StepState::running;
      return std::pair{std::size_t{0}, std::optional(held->second)};
    }
  }
  const auto until = now() + std::chrono::duration_cast<std::chrono::milliseconds>(options_.lease);
  LOOM_TRY(auto leased, store_.lease_tasks(job->job.id, name_, 1, until, now(), store_deadline()));
  if (leased.empty()) return error(Code::conflict, "no task of the job is ready");
  attempts = leased.front().task.attempts;
  const std::uint32_t index = leased.front().task.id.index;
  const MutexLock lock(mutex_);
  job->set_running(index);
  job->leases.insert_or_assign(index, leased.front().lease);
  return std::pair{std::size_t{index}, std::optional(leased.front().lease)};
}

void LocalScheduler::step(const Work& work) {
  const ActivePtr& job = work.jobs.front();
  std::uint32_t attempts = 1;
  const auto leased = lease_step(job, attempts);
  if (!leased) {
    // The job was cancelled meanwhile, or the store is in trouble.
    if (leased.error().code != Code::conflict && leased.error().code != Code::not_found)
      fail(job, leased.error());
    return;
  }
  const auto& [index, lease] = *leased;
  search::NoWatch watch;
  search::TaskRunner tasks(*job->runner, job->folder, watch, search::Durable::yes, 1);
  // Here already, so that the task is said to have failed too, and its lease does not keep a retry waiting.
  const auto use = guarded([&] { return job->split->run_step(index, tasks, job->stop.get_token()); });
  {
    const MutexLock lock(mutex_);
    ++counts_.processes;
    const double taken = use ? seconds_of(use->cpu) : 0;
    board_.share.charge(job->job.request.owner, taken - work.charged, std::chrono::steady_clock::now());
    job->served += taken - work.charged;
    counts_.cpu_seconds += taken;
    if (use && !job->split->steps()[index].shard) learn(*job, index, taken);
  }
  if (use) {
    note(job, use->note);
    return step_done(job, index, lease ? &*lease : nullptr, *use);
  }
  step_failed(job, index, lease ? &*lease : nullptr, attempts, use.error(), tasks.failure());
}

void LocalScheduler::learn(const ActiveJob& job, std::size_t index, double taken) {
  const search::Step& step = job.split->steps()[index];
  board_.costs.learn(job.kind, step.seconds, taken);
  board_.costs.learn_rate(job.kind, step.letters, taken);
}

void LocalScheduler::step_done(const ActivePtr& job, std::size_t index, const store::Lease* lease,
                               const search::TaskUse& use) {
  const search::Step& step = job->split->steps()[index];
  if (lease != nullptr && job->steps.size() == 1) {
    const MutexLock lock(mutex_);
    job->whole = metrics_of(use, step.letters);
  } else if (lease != nullptr) {
    const std::string output = search::SplitSearch::search_name(step.search);
    auto done = store_.finish_task(*lease, output, metrics_of(use, step.letters), now(), store_deadline());
    const MutexLock lock(mutex_);
    job->leases.erase(static_cast<std::uint32_t>(index));
    if (!done) {
      // Cancelled, or the lease was lost; else the store did not take it: the task is found finished next
      // time.
      if (done.error().code != Code::conflict && done.error().code != Code::not_found) unclaim(job, index);
      return;
    }
    job->job = *std::move(done);
    ++counts_.tasks_done;
  }
  const MutexLock lock(mutex_);
  job->set_done(index);
  changed_.notify_all();
}

void LocalScheduler::note(const ActivePtr& job, const std::string& sentence) {
  constexpr std::size_t kMostNotes = 100;  // one a node, as a rule
  if (sentence.empty() || job->rendering) return;
  const MutexLock noting(noting_);
  std::set<std::string>& notes = job->notes;
  if (notes.contains(sentence)) return;
  if (notes.empty())  // those of before a restart
    for (std::string& one : notes_of(objects_, job->job.id, store_deadline())) notes.insert(std::move(one));
  if (notes.size() >= kMostNotes || !notes.insert(sentence).second) return;
  std::string text;
  for (const std::string& one : notes) text += one + "\n";
  const Status kept = objects_.put(notes_key(job->job.id), std::as_bytes(std::span(text)), store_deadline());
  if (!kept)
    log::write(log::Level::warning, "job.note_lost",
               {{"job", job->job.id.str()}, {"note", sentence}, {"reason", kept.error().message}});
}

void LocalScheduler::unclaim(const ActivePtr& job, std::size_t index) {
  job->set_ready(index);
  changed_.notify_all();
}

void LocalScheduler::step_failed(const ActivePtr& job, std::size_t index, const store::Lease* lease,
                                 std::uint32_t attempts, const Error& why,
                                 const std::optional<exec::Failure>& failure) {
  const bool stopped = why.code == Code::cancelled;
  const bool again = stopped || (failure ? failure->retryable : retryable(why.code));
  if (lease == nullptr) {
    if (!stopped) return fail(job, why, failure);
    // Somebody may wait for it, and nobody else would tell him.
    return fail(job, error(Code::unavailable, "the output was not made, for it was stopped; ask again"));
  }
  {
    const MutexLock lock(mutex_);
    job->leases.erase(static_cast<std::uint32_t>(index));
    if (job->phase == ActiveJob::Phase::ended) return;
    if (!stopped) ++(again ? counts_.tasks_lost : counts_.tasks_failed);
  }
  const bool try_again = stopped || (again && attempts < static_cast<std::uint32_t>(options_.tries));
  store::Failure words = told(why, failure, options_.work);
  if (stopped) words = {"lost", "the server was stopped; the task goes on when it is back"};
  if (try_again) {
    const Status released = store_.release_task(*lease, words, now(), store_deadline());
    const MutexLock lock(mutex_);
    if (released) unclaim(job, index);
    return;
  }
  static_cast<void>(store_.fail_task(*lease, words, now(), store_deadline()));
  fail(job, why, failure);
}

void LocalScheduler::fail(const ActivePtr& job, const Error& why,
                          const std::optional<exec::Failure>& failure) {
  const store::Failure words = told(why, failure, options_.work);
  {
    const MutexLock lock(mutex_);
    if (job->phase == ActiveJob::Phase::ended) return;
    job->stop.request_stop();
    if (job->rendering) return end_rendering(job, Error{why.code, words.sentence});
    drop(job);
  }
  keep_said(job->job.id, failure ? failure->said : std::string());
  say_failed(job->job.id, words);
}

void LocalScheduler::keep_said(const store::JobId& id, const std::string& said) {
  const storage::ObjectKey key = messages_key(id);
  const Status kept = said.empty() ? objects_.remove(key, store_deadline())
                                   : objects_.put(key, std::as_bytes(std::span(said)), store_deadline());
  if (!kept)
    log::write(log::Level::warning, "job.messages_lost",
               {{"job", id.str()}, {"reason", kept.error().message}});
}

void LocalScheduler::say_failed(const store::JobId& id, const store::Failure& words) {
  const auto said = store_.move_job(id, store::JobState::failed, words, now(), store_deadline());
  // conflict, not_found: it was cancelled or removed meanwhile.
  const bool over = said || said.error().code == Code::conflict || said.error().code == Code::not_found;
  if (!over)
    log::write(log::Level::error, "store.refused", {{"job", id.str()}, {"reason", said.error().message}});
  const MutexLock lock(mutex_);
  if (over)
    owed_.erase(id);
  else
    owed_.insert_or_assign(id, words);
}

/// The output is kept, and only then the task is said to be done, together with the job.
Status LocalScheduler::end_whole(const ActivePtr& job) {
  LOOM_TRY(const Written written, put_together(job));
  store::WholeEnd end{
      .job = job->job.id, .output_key = search::SplitSearch::search_name(0), .metrics = *job->whole};
  std::error_code unknown;
  const auto bytes = fs::file_size(written.output, unknown) + fs::file_size(written.messages, unknown);
  if (!unknown && bytes <= store::kMostAnswerBytes) {
    end.answer.emplace();
    LOOM_TRY(end.answer->output, search::read_file(written.output));
    LOOM_TRY(end.answer->messages, search::read_file(written.messages));
  } else {
    LOOM_CHECKED(put_output(job, written));
  }
  {
    const MutexLock lock(mutex_);
    const auto held = job->leases.find(0);
    if (held == job->leases.end()) return error(Code::conflict, "the lease of the task was lost");
    end.lease = held->second;
  }
  LOOM_CHECKED(store_.end_whole(std::span(&end, 1), now(), store_deadline()).front());
  keep_answer(*job, written);
  const MutexLock lock(mutex_);
  ++counts_.tasks_done;
  return ok();
}

void LocalScheduler::finish_whole(const ActivePtr& job) {
  const Status done = end_whole(job);
  if (!done && !is_over(done.error())) return fail(job, done.error());
  auto found = Result<store::Job>(error(Code::not_found, "it is done"));
  if (!done) found = store_.get(job->job.id, store_deadline());
  const MutexLock lock(mutex_);
  job->leases.clear();
  job->whole.reset();
  if (done) job->job.state = store::JobState::completed;
  if (found && found->state == store::JobState::running && job->phase != ActiveJob::Phase::ended) {
    // Only the lease was lost: what it wrote is found when the task is taken up again.
    job->claimed = false;
    job->job = *std::move(found);
    return board_.wait(job);
  }
  drop(job);
}

void LocalScheduler::finish(const ActivePtr& job) {
  if (job->whole) return finish_whole(job);
  if (!job->rendering && job->job.state == store::JobState::running) {
    auto merging = store_.move_job(job->job.id, store::JobState::merging, {}, now(), store_deadline());
    if (!merging) {
      if (merging.error().code != Code::conflict && merging.error().code != Code::not_found)
        fail(job, merging.error());
      const MutexLock lock(mutex_);
      if (job->phase != ActiveJob::Phase::ended) drop(job);
      return;
    }
    const MutexLock lock(mutex_);
    job->job = *std::move(merging);
  }
  Status done = ok();
  std::optional<Written> written;
  if (!job->delivered) {
    auto output = put_together(job);
    done = output ? put_output(job, *output) : Status(output.error());
    if (output) written = *std::move(output);
  }
  if (done && !job->rendering) {
    done = complete(job->job.id);
  }
  if (!done && done.error().code != Code::conflict && done.error().code != Code::not_found)
    return fail(job, done.error());
  if (done && written) keep_answer(*job, *written);
  const MutexLock lock(mutex_);
  if (job->rendering) return end_rendering(job, done);
  if (done) job->job.state = store::JobState::completed;
  drop(job);
}

Status LocalScheduler::complete(const store::JobId& id) {
  const auto tasks = all_tasks(store_, id, store_deadline());
  // Metrics that cannot be had now are filled in by the beat.
  LOOM_CHECKED(tasks ? store_.complete_job(id, sum_of(*tasks), now(), store_deadline())
                     : store_.move_job(id, store::JobState::completed, {}, now(), store_deadline()));
  return ok();
}

Result<LocalScheduler::Written> LocalScheduler::put_together(const ActivePtr& job) {
  search::NoWatch watch;
  const search::TaskRunner tasks(*job->runner, job->folder, watch);
  Written written{.output = job->folder / "output", .messages = job->folder / "messages"};
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> to(std::fopen(written.messages.c_str(), "wbe"),
                                                     &std::fclose);
  if (!to) return system_error(errno, "write the job's messages");
  search::Messages messages(to.get());
  if (!job->split->one_text()) {
    LOOM_CHECKED(job->split->write_output(tasks, true, [](std::size_t) { return ok(); }, messages));
  } else {
    const std::string only = search::SplitSearch::search_name(0);
    LOOM_TRY(const std::string said, search::read_said(tasks.stderr_file(only)));
    messages.add(said, 0, 1);
    written.output = tasks.output(only);
  }
  if (std::fclose(to.release()) != 0) return system_error(errno, "write the job's messages");
  return written;
}

Status LocalScheduler::put_output(const ActivePtr& job, const Written& written) {
  if (job->rendering)
    return put_rendered(job, [&](const std::stop_token& stop) {
      return storage::put_file(objects_, job->rendering->key, written.output, Deadline::never(), stop);
    });
  LOOM_CHECKED(storage::put_file(objects_, messages_key(job->job.id), written.messages, Deadline::never()));
  return storage::put_file(objects_, output_key(job->job.id), written.output, Deadline::never());
}

Status LocalScheduler::put_rendered(const ActivePtr& job,
                                    const std::function<Status(const std::stop_token&)>& put) {
  {
    const MutexLock lock(mutex_);
    if (job->rendering->outcome) return *job->rendering->outcome;
    job->rendering->writing = true;
  }
  // Only now: one that is removed after this look is discarded after it, and discard() waits for the end of
  // the writing.
  const auto there = store_.get(job->job.id, store_deadline());
  const Status done = there ? put(job->stop.get_token()) : Status(there.error());
  const MutexLock lock(mutex_);
  job->rendering->writing = false;
  changed_.notify_all();
  return done;
}

}  // namespace loom::sched
