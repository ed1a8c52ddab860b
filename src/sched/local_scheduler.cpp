#include "sched/local_scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/folder.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "blast/outfmt.hpp"
#include "exec/environment_runner.hpp"
#include "sched/job_keys.hpp"
#include "search/coalesced.hpp"

namespace loom::sched {

namespace {

/// Internal batches of the engine in one run, each of which reads the whole database: as many as take a few
/// seconds, for nobody gets his answer before the last.
std::uint64_t batches_at_once(std::uint64_t database_bytes) {
  constexpr std::uint64_t kBytesInAWhile = 1'500'000'000;  // read from memory, and searched
  constexpr std::uint64_t kMost = 8;
  return std::clamp(kBytesInAWhile / std::max<std::uint64_t>(database_bytes, 1), std::uint64_t{1}, kMost);
}

/// Most letters in company of a short job: each query counts one more.
constexpr std::uint64_t kMostShort = 2 * search::kMostLettersInBatches;

/// Of the bytes that are kept for who asks again, one in so many is for parts of query sets.
constexpr std::uint64_t kPartsShare = 4;

void discard_folder(const std::filesystem::path& folder) {
  std::error_code ignored;  // what is left is found by the beat
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace

constexpr std::string_view kJobs = "jobs/";
std::string prefix_of(const store::JobId& id) {
  return fmt::format("{}{}/", kJobs, id.str());
}
std::optional<store::JobId> job_of(const storage::ObjectKey& key) {
  if (!key.str().starts_with(kJobs)) return std::nullopt;
  const std::string_view rest = std::string_view(key.str()).substr(kJobs.size());
  const auto id = store::JobId::parse(rest.substr(0, rest.find('/')));
  return id ? std::optional(*id) : std::nullopt;
}
storage::ObjectKey output_key(const store::JobId& id) {
  return storage::ObjectKey::parse(prefix_of(id) + "output").value();
}
Result<std::unique_ptr<storage::ObjectReader>> open_query(store::JobStore& jobs,
                                                          storage::ObjectStore& objects,
                                                          const store::Job& job, Deadline deadline) {
  if (!job.request.query_key.empty()) {
    LOOM_TRY(const auto key, storage::ObjectKey::parse(job.request.query_key));
    return objects.open_reader(key, deadline);
  }
  LOOM_TRY(std::string text, jobs.query(job.id, deadline));
  return storage::text_reader(std::move(text));
}

storage::ObjectKey messages_key(const store::JobId& id) {
  return storage::ObjectKey::parse(prefix_of(id) + "messages").value();
}

storage::ObjectKey notes_key(const store::JobId& id) {
  return storage::ObjectKey::parse(prefix_of(id) + "notes").value();
}

std::vector<std::string> notes_of(storage::ObjectStore& objects, const store::JobId& id, Deadline deadline) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 10U;
  std::vector<std::string> notes;
  const auto bytes = objects.get(notes_key(id), kMostBytes, deadline);
  if (!bytes) return notes;
  std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    notes.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return notes;
}

Result<std::unique_ptr<storage::ObjectReader>> open_output(store::JobStore& jobs,
                                                           storage::ObjectStore& objects,
                                                           const store::Job& job, Deadline deadline) {
  if (!job.answer_bytes) return objects.open_reader(output_key(job.id), deadline);
  LOOM_TRY(store::Answer answer, jobs.answer(job.id, deadline));
  return storage::text_reader(std::move(answer.output));
}
Result<std::unique_ptr<storage::ObjectReader>> open_messages(store::JobStore& jobs,
                                                             storage::ObjectStore& objects,
                                                             const store::Job& job, Deadline deadline) {
  if (!job.answer_bytes) return objects.open_reader(messages_key(job.id), deadline);
  LOOM_TRY(store::Answer answer, jobs.answer(job.id, deadline));
  return storage::text_reader(std::move(answer.messages));
}

std::unique_ptr<Scheduler> Scheduler::make(store::JobStore& store, storage::ObjectStore& objects,
                                           exec::ProcessRunner& runner, SchedulerOptions options) {
  return std::make_unique<LocalScheduler>(store, objects, runner, std::move(options));
}

LocalScheduler::LocalScheduler(store::JobStore& store, storage::ObjectStore& objects,
                               exec::ProcessRunner& runner, SchedulerOptions options)
    : store_(store),
      objects_(objects),
      runner_(runner),
      options_(std::move(options)),
      reuse_({.folder = options_.reuse.folder,
              .most_bytes = options_.reuse.most_bytes - options_.reuse.most_bytes / kPartsShare,
              .release = options_.reuse.release}),
      parts_(options_.reuse.folder / "parts" / "parts.sqlite", options_.reuse.most_bytes / kPartsShare),
      name_("local/" + random_token().substr(0, 12)),
      board_({options_.cores, options_.memory_bytes, options_.elsewhere}, options_.weights, warmth_) {}

LocalScheduler::~LocalScheduler() {
  stop(Duration::zero());
}

store::UnixTime LocalScheduler::now() const {
  return store::wall_now();
}

Status LocalScheduler::take_up(store::JobState state) {
  std::vector<store::Job> found;
  std::optional<store::JobCursor> after;
  do {
    LOOM_TRY(store::JobPage page, store_.list({.state = state}, after, store::kMostRows, store_deadline()));
    found.insert(found.end(), page.jobs.begin(), page.jobs.end());
    after = page.next;
  } while (after);
  // The list is newest first; turns go to the oldest.
  for (auto job = found.rbegin(); job != found.rend(); ++job) queued(*job);
  return ok();
}

Status LocalScheduler::take_over() {
  // The last server is gone, and its engine processes with it: its leases mean nothing.
  for (;;) {
    LOOM_TRY(const auto expired, store_.end_leases(now(), store::kMostRows, store_deadline()));
    if (expired.size() < store::kMostRows) break;
  }
  for (const store::JobState state :
       {store::JobState::merging, store::JobState::running, store::JobState::queued})
    LOOM_CHECKED(take_up(state));
  return ok();
}

Status LocalScheduler::start() {
  // Of groups and renderings ("group-ID", "ID-HASH") nothing is gone on with.
  static_cast<void>(for_entries(options_.work, [](const std::filesystem::directory_entry& folder) {
    if (folder.path().filename().string().find('-') != std::string::npos) discard_folder(folder.path());
  }));
  if (!options_.renders_only) LOOM_CHECKED(take_over());
  for (int i = 0; i < options_.cores; ++i) threads_.emplace_back([this] { work_loop(); });
  return ok();
}

void LocalScheduler::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  stop_renderings();
  changed_.notify_all();
}

void LocalScheduler::stop_renderings() {
  for (const auto& [key, job] : renderings_) {
    job->stop.request_stop();
    if (!job->rendering->outcome)
      job->rendering->outcome = error(Code::unavailable, "the server is stopping");
  }
}

void LocalScheduler::stop(Duration grace) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    closed_ = stopping_ = true;
    changed_.notify_all();
    const Instant until = std::chrono::steady_clock::now() + grace;
    while (board_.cores_free < options_.cores && std::chrono::steady_clock::now() < until)
      changed_.wait_until(mutex_, until);
    group_stop_.request_stop();
    for (const auto& [id, job] : jobs_) job->stop.request_stop();
    stop_renderings();
    changed_.notify_all();
  }
  threads_.clear();
}

Result<ActivePtr> LocalScheduler::make_active(const store::Job& job) const {
  LOOM_TRY(JobSpec spec, parse_job_spec(job.request.program, job.request.options));
  auto active = std::make_shared<ActiveJob>(
      ActiveJob{.job = job, .spec = std::move(spec), .folder = options_.work / job.id.str()});
  active->runner =
      std::make_shared<exec::EnvironmentRunner>(runner_, database_environment(active->spec.database_path));
  active->waiting_since = std::chrono::steady_clock::now();
  const auto* task = active->spec.options.find("task");
  active->kind =
      fmt::format("{} {} {}", job.request.program, task == nullptr ? "" : task->text, job.request.database);
  if (options_.coalesce && job.state == store::JobState::queued && job.tasks_total == 0 &&
      active->spec.on_saturation == search::OnSaturation::identical)
    active->company = search::company_of(active->spec.options, job.request.letters);
  if (!active->company.empty()) active->company += "\n" + active->spec.snapshot;
  return active;
}

void LocalScheduler::queued(const store::Job& job) {
  auto active = make_active(job);
  if (!active) {
    return say_failed(job.id, {"engine", active.error().message + "; submit it again"});
  }
  if (may_reuse(**active) && reuse_.may_have(job.request.sha256)) {
    name_search(*active, surroundings(**active));
    if (answer_known(*active)) return;
  }
  warmth_.look(database_number(job.request.database), (*active)->spec, std::chrono::steady_clock::now());
  const MutexLock lock(mutex_);
  add(*active);
}

void LocalScheduler::add(const ActivePtr& job) {
  job->number = ++next_number_;
  if (!job->rendering && !jobs_.contains(job->job.id)) ++unfinished_[job->job.request.owner];
  ActivePtr& place = job->rendering ? renderings_[job->rendering->key.str()] : jobs_[job->job.id];
  if (place) board_.remove(place);
  place = job;
  board_.wait(job);
  changed_.notify_all();
}

void LocalScheduler::drop(const ActivePtr& job) {
  job->phase = ActiveJob::Phase::ended;
  leave_equals(job);
  board_.remove(job);
  if (job->rendering) {
    // Another may have taken its place.
    const auto place = renderings_.find(job->rendering->key.str());
    if (place != renderings_.end() && place->second == job) renderings_.erase(place);
  } else if (const auto place = jobs_.find(job->job.id); place != jobs_.end() && place->second == job) {
    jobs_.erase(place);
    const auto unfinished = unfinished_.find(job->job.request.owner);
    if (--unfinished->second == 0) unfinished_.erase(unfinished);
  }
  changed_.notify_all();
}

void LocalScheduler::end_rendering(const ActivePtr& job, const Status& outcome) {
  if (!job->rendering->outcome) job->rendering->outcome = outcome;
  if (job->phase != ActiveJob::Phase::ended) drop(job);
}

void LocalScheduler::end_renderings(const store::JobId& id, const Error& why) {
  std::vector<std::filesystem::path> left;
  {
    const MutexLock lock(mutex_);
    std::vector<ActivePtr> ended;
    for (const auto& [key, rendering] : renderings_)
      if (rendering->job.id == id) ended.push_back(rendering);
    for (const ActivePtr& job : ended) {
      job->stop.request_stop();
      end_rendering(job, why);
      // That of one which runs goes with its last piece of work.
      if (job->running == 0) left.push_back(job->folder);
    }
    const auto writing = [](const ActivePtr& job) { return job->rendering->writing; };
    while (std::ranges::any_of(ended, writing)) changed_.wait(mutex_);
  }
  for (const auto& folder : left) discard_folder(folder);
}

void LocalScheduler::discard(const store::JobId& id) {
  end_renderings(id, error(Code::not_found, "the job was removed while its output was being made"));
  discard_folder(options_.work / id.str());
}

void LocalScheduler::forget(const store::JobId& id) {
  {
    const MutexLock lock(mutex_);
    owed_.erase(id);
    const auto place = jobs_.find(id);
    if (place != jobs_.end()) {
      const ActivePtr job = place->second;
      job->stop.request_stop();
      drop(job);
    }
  }
  end_renderings(id, error(Code::conflict, "the job was cancelled while its output was being made"));
}

Status LocalScheduler::render(const store::Job& job, const std::string& outfmt, const storage::ObjectKey& key,
                              Deadline deadline) {
  LOOM_TRY(ActivePtr fresh, make_active(job));
  fresh->company.clear();
  LOOM_CHECKED(fresh->spec.options.set("outfmt", outfmt));
  fresh->folder += fmt::format("-{:016x}", std::hash<std::string>{}(key.str()));
  fresh->rendering = std::make_shared<Rendering>(Rendering{outfmt, key});
  const MutexLock lock(mutex_);
  if (closed_) return error(Code::unavailable, "the server is stopping; ask again later");
  const auto known = renderings_.find(key.str());
  if (known == renderings_.end()) add(fresh);
  const std::shared_ptr<Rendering> rendering =
      known == renderings_.end() ? fresh->rendering : known->second->rendering;
  while (!rendering->outcome) {
    if (deadline.passed()) return error(Code::timed_out, "the format is still being made; ask again");
    changed_.wait_until(mutex_, deadline.when());
  }
  return *rendering->outcome;
}

void LocalScheduler::work_loop() {
  for (;;) {
    Work work;
    {
      const MutexLock lock(mutex_);
      std::optional<Work> taken;
      while (!stopping_ && (closed_ || !(taken = take()))) {
        // Ageing may let something start without any other change.
        changed_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::seconds(5));
      }
      if (stopping_) {
        if (taken) give_back(*taken);
        return;
      }
      work = *std::move(taken);
    }
    const Status done = guarded([&] { do_work(work); });
    if (!done) give_up(work, done.error());
    const MutexLock lock(mutex_);
    give_back(work);
  }
}

void LocalScheduler::do_work(const Work& work) {
  switch (work.kind) {
    case Work::Kind::prepare:
      return prepare(work.jobs.front());
    case Work::Kind::step:
      return step(work);
    case Work::Kind::finish:
      return finish(work.jobs.front());
    case Work::Kind::group:
      return run_group(work);
  }
}

void LocalScheduler::give_up(const Work& work, const Error& why) {
  for (const ActivePtr& job : work.jobs) {
    log::write(log::Level::error, "work.threw", {{"job", job->job.id.str()}, {"reason", why.message}});
    const Status said = guarded([&] { fail(job, why); });
    if (!said)
      log::write(log::Level::error, "work.threw",
                 {{"job", job->job.id.str()}, {"reason", said.error().message}});
  }
}

std::optional<Work> LocalScheduler::take() {
  const Instant now = std::chrono::steady_clock::now();
  const ActivePtr job = board_.next(now);
  if (!job) return std::nullopt;
  Work work = board_.claim(job);
  if (work.kind == Work::Kind::prepare) gather(work);
  board_.start(work, now);
  return work;
}

/// Others that wait and may ride with the first of `work`, the longest waiting first: those that fit into
/// one internal batch of the engine, and when all are short, its share of some batches.
void LocalScheduler::gather(Work& work) {
  const ActivePtr first = work.jobs.front();
  if (first->company.empty() || first->alone) return;
  const auto letters_of = [](const ActivePtr& job) {
    return search::letters_in_company(job->job.request.letters, job->job.request.queries);
  };
  const auto is_short = [](const ActivePtr& job) {
    return job->job.request.letters <= search::kMostLettersInBatches;
  };
  const auto cores = static_cast<std::uint64_t>(board_.cores_free);
  // So much goes into a batch at least, while the next one has as many letters as the first.
  const std::uint64_t batch = search::kMostLettersInCompany - std::min(letters_of(first), kMostShort);
  const std::uint64_t most_short = batch * batches_at_once(first->spec.database_bytes) * cores;
  std::vector<ActivePtr> fit;  // into as many groups as there are cores
  std::uint64_t letters = letters_of(first);
  bool all_short = is_short(first);
  for (const auto& [number, job] : board_.waiting.riders(first->company)) {
    letters += letters_of(job);
    all_short = all_short && is_short(job);
    if (letters > search::kMostLettersInCompany && !(all_short && letters <= most_short)) {
      letters -= letters_of(job);
      break;
    }
    fit.push_back(job);
  }
  // What fits into one batch is not shared out: that would cost a scan of the database more.
  const std::uint64_t batches = (letters + batch * cores - 1) / (batch * cores);
  const std::uint64_t share = std::max(search::kMostLettersInCompany, batches * batch);
  letters = letters_of(first);
  for (const ActivePtr& job : fit) {
    letters += letters_of(job);
    if (letters > share) break;
    work.jobs.push_back(job);
  }
  for (const ActivePtr& job : std::span(work.jobs).subspan(1)) board_.begin(job);
  if (work.jobs.size() > 1) work.kind = Work::Kind::group;
}

void LocalScheduler::give_back(const Work& work) {
  board_.give_back(work);
  for (const ActivePtr& job : work.jobs) {
    // What failed or was cancelled may be tried again and goes on from here.
    const bool over = job->rendering || job->job.state == store::JobState::completed;
    if (job->phase == ActiveJob::Phase::ended && over && job->running == 0) discard_folder(job->folder);
  }
  changed_.notify_all();
}

double LocalScheduler::remaining_seconds(const ActiveJob& job) const {
  double seconds = 0;
  for (std::size_t i = 0; i < job.steps.size(); ++i) {
    if (job.steps[i] != ActiveJob::StepState::done) seconds += job.split->steps()[i].seconds;
  }
  return board_.costs.corrected(job.kind, seconds);
}

/// When a job that waits will be done, if searches like it were seen: as though those in front were like it.
void LocalScheduler::expect(const ActiveJob& job, Standing& standing) const {
  const auto own = board_.costs.seconds_for(job.kind, job.job.request.letters);
  if (!own) return;
  double seconds = *own * static_cast<double>(*standing.position);
  for (const auto& [owner, jobs] : board_.begun)
    for (const auto& [number, other] : jobs)
      if (other->phase == ActiveJob::Phase::searching) seconds += remaining_seconds(*other);
  standing.eta_seconds = seconds / options_.cores;
  standing.eta_error = board_.costs.error(job.kind);
}

Standing LocalScheduler::standing(const store::JobId& id) const {
  const MutexLock lock(mutex_);
  const auto place = jobs_.find(id);
  if (place == jobs_.end()) return {};
  const ActiveJob& job = *place->second;
  Standing standing;
  if (job.split) standing.plan = job.split->plan().reasons;
  if (job.phase == ActiveJob::Phase::waiting) {
    standing.position = board_.waiting.place(job);
    standing.waits_for =
        board_.cores_free == 0 ? fmt::format("a free core (all {} are busy)", options_.cores) : "its turn";
    expect(job, standing);
  } else if (job.follows) {
    standing.waits_for = "the end of an equal search, whose result will be its own";
  } else if (job.phase == ActiveJob::Phase::searching) {
    if (job.running == 0) {
      const bool large = job.spec.database_bytes > options_.memory_bytes;
      standing.waits_for = board_.cores_free == 0
                               ? fmt::format("a free core (all {} are busy)", options_.cores)
                           : large ? "the memory that its database needs"
                                   : "cores or memory that others use now";
    } else if (options_.waits_for) {
      standing.waits_for = options_.waits_for(job.folder);
    }
    std::ptrdiff_t busy = 0;
    for (const auto& [owner, jobs] : board_.begun)
      busy += std::ranges::count_if(
          jobs, [](const auto& other) { return other.second->phase == ActiveJob::Phase::searching; });
    const double cores = static_cast<double>(options_.cores) / static_cast<double>(busy);
    standing.eta_seconds = remaining_seconds(job) / std::max(1.0, cores);
    standing.eta_error = board_.costs.error(job.kind);
  }
  return standing;
}

SchedulerCounts LocalScheduler::counts() const {
  const MutexLock lock(mutex_);
  SchedulerCounts counts = counts_;
  counts.cores_busy = options_.cores - board_.cores_free;
  counts.waiting_jobs = board_.waiting.size();
  for (const auto& [owner, jobs] : board_.begun) counts.active_jobs += jobs.size();
  counts.reuse = reuse_.counts();
  counts.parts = parts_.counts();
  return counts;
}

Scheduler::Unfinished LocalScheduler::unfinished(const std::string& owner) const {
  const MutexLock lock(mutex_);
  const auto own = unfinished_.find(owner);
  return {.of_owner = own == unfinished_.end() ? 0 : own->second, .of_all = jobs_.size()};
}

Result<std::uint64_t> LocalScheduler::reconcile() {
  std::vector<store::Lease> held;
  std::map<store::JobId, store::Failure> owed;
  std::vector<ActivePtr> heads;
  {
    const MutexLock lock(mutex_);
    owed = owed_;
    for (const std::string_view owner : board_.waiting.owners())
      for (const ActivePtr& job : board_.waiting.heads(owner)) heads.push_back(job);
    for (const auto& [owner, jobs] : board_.begun)
      for (const auto& [number, job] : jobs)
        for (const auto& [index, lease] : job->leases) held.push_back(lease);
  }
  // Without the lock: who they are and what they search never changes.
  for (const ActivePtr& job : heads)
    warmth_.look(database_number(job->job.request.database), job->spec, std::chrono::steady_clock::now());
  for (const auto& [id, words] : owed) {
    {
      const MutexLock lock(mutex_);
      if (!owed_.contains(id)) continue;
    }
    say_failed(id, words);
  }
  const auto lease = std::chrono::duration_cast<std::chrono::milliseconds>(options_.lease);
  for (const store::Lease& one : held) {
    // A lease that was lost is noticed by whoever runs the task.
    if (const auto renewed = store_.renew(one, now() + lease, store_deadline());
        !renewed && renewed.error().code != Code::conflict && renewed.error().code != Code::not_found)
      return renewed.error();
  }
  LOOM_TRY(const auto expired, store_.expire_leases(now(), store::kMostRows, store_deadline()));
  const MutexLock lock(mutex_);
  for (const store::Expired& one : expired) {
    const auto place = jobs_.find(one.lease.task.job);
    if (place == jobs_.end() || place->second->leases.contains(one.lease.task.index)) continue;
    if (one.lease.task.index < place->second->steps.size()) unclaim(place->second, one.lease.task.index);
  }
  changed_.notify_all();
  return expired.size();
}

}  // namespace loom::sched
