#include "service/database_works.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sched/job_spec.hpp"

namespace loom::service {

namespace {

using catalog::Snapshot;
using State = DatabaseWork::State;

bool is_over(State state) {
  return state != State::queued && state != State::running;
}

Status check_admin(const Caller& caller) {
  if (caller.role == Role::admin) return ok();
  return error(Code::forbidden, "databases are changed by an admin of this server");
}

}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::queued:
      return "queued";
    case State::running:
      return "running";
    case State::completed:
      return "completed";
    case State::failed:
      return "failed";
    case State::cancelled:
      return "cancelled";
  }
  return "";
}

Result<std::vector<std::string>> jobs_using(store::JobStore& jobs, const std::filesystem::path& folder) {
  std::vector<std::string> users;
  for (const auto state : {store::JobState::queued, store::JobState::running, store::JobState::merging}) {
    std::optional<store::JobCursor> after;
    do {
      LOOM_TRY(const store::JobPage page,
               jobs.list({.state = state}, after, store::kMostRows, Deadline::in(std::chrono::seconds(30))));
      for (const store::Job& job : page.jobs) {
        const auto spec = sched::parse_job_spec(job.request.program, job.request.options);
        const std::string folders = spec ? ":" + spec->database_path + ":" : "";
        if (folders.find(":" + folder.string() + "/") != std::string::npos ||
            folders.find(":" + folder.string() + ":") != std::string::npos)
          users.push_back(job.id.str());
      }
      after = page.next;
    } while (after);
  }
  return users;
}

Status check_unused(store::JobStore& jobs, const std::filesystem::path& folder) {
  constexpr std::size_t kShown = 5;
  LOOM_TRY(std::vector<std::string> users, jobs_using(jobs, folder));
  if (users.empty()) return ok();
  const std::size_t count = users.size();
  users.resize(std::min(count, kShown));
  return error(Code::conflict, "{} is in use by {} unfinished jobs: {}{}; wait for them, or cancel them",
               folder.filename().string(), count, fmt::join(users, ", "), count > kShown ? ", …" : "");
}

DatabaseWorks::DatabaseWorks(DatabaseList& databases, store::JobStore& jobs, exec::ProcessRunner& runner,
                             std::filesystem::path uploads, std::string mirror)
    : details_(databases),
      databases_(databases),
      jobs_(jobs),
      runner_(runner),
      uploads_(std::move(uploads)),
      mirror_(std::move(mirror)),
      thread_([this](std::stop_token stopping) { run(std::move(stopping)); }) {}

DatabaseWorks::~DatabaseWorks() {
  thread_.request_stop();
  const MutexLock lock(mutex_);
  for (const OrderPtr& order : known_) order->stop.request_stop();
  changed_.notify_all();
}

Result<std::unique_ptr<QueryUpload>> DatabaseWorks::begin_upload(const Caller& caller) const {
  LOOM_CHECKED(check_admin(caller));
  return std::make_unique<QueryUpload>(uploads_, 0);
}

Result<DatabaseWork> DatabaseWorks::add(const OrderPtr& order) {
  order->work.id = store::random_token();
  order->work.created = store::wall_now();
  const MutexLock lock(mutex_);
  if (waiting_.size() >= kMostWaiting)
    return error(Code::too_many, "{} works on databases wait already; ask again when some are done",
                 waiting_.size());
  waiting_.push_back(order);
  known_.push_back(order);
  forget_old();
  changed_.notify_all();
  return order->work;
}

void DatabaseWorks::forget_old() {
  while (known_.size() > kMostKept && is_over(known_.front()->work.state)) known_.pop_front();
}

Result<DatabaseWork> DatabaseWorks::build(const Caller& caller, BuildRequest request,
                                          std::unique_ptr<QueryUpload> sequences) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_CHECKED(catalog::check_database_name(request.name));
  if (sequences->size_bytes() == 0)
    return error(Code::invalid_argument, "the body is empty; send FASTA text, plain or gzip");
  LOOM_TRY(request.fasta, sequences->file());
  auto order = std::make_shared<Order>();
  order->work.kind = "build";
  order->work.database = request.name;
  order->build = std::move(request);
  order->sequences = std::move(sequences);
  return add(order);
}

Result<DatabaseWork> DatabaseWorks::fetch(const Caller& caller, const std::string& database) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_CHECKED(catalog::check_database_name(database));
  auto order = std::make_shared<Order>();
  order->work.kind = "fetch";
  order->work.database = database;
  return add(order);
}

Result<DatabaseWork> DatabaseWorks::verify(const Caller& caller, const std::string& database,
                                           const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  const auto& kept = databases_.kept();
  LOOM_TRY(const Snapshot snapshot, id.empty() ? kept.current(database) : kept.get(database, id));
  auto order = std::make_shared<Order>();
  order->work.kind = "verify";
  order->work.database = database;
  order->work.snapshot = snapshot.id;
  return add(order);
}

Result<DatabaseWork> DatabaseWorks::warm(const Caller& caller, const std::string& database,
                                         const std::string& id, std::uint64_t budget_bytes) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_CHECKED(databases_.open(database, id));
  auto order = std::make_shared<Order>();
  order->work.kind = "warm";
  order->work.database = database;
  order->work.snapshot = id.empty() ? databases_.kept().current_id(database) : id;
  order->budget_bytes = budget_bytes;
  return add(order);
}

std::vector<DatabaseWork> DatabaseWorks::list() const {
  const MutexLock lock(mutex_);
  std::vector<DatabaseWork> works;
  for (auto order = known_.rbegin(); order != known_.rend(); ++order) works.push_back((*order)->work);
  return works;
}

Result<DatabaseWork> DatabaseWorks::get(const std::string& id) const {
  const MutexLock lock(mutex_);
  const auto order =
      std::ranges::find(known_, id, [](const OrderPtr& one) -> const std::string& { return one->work.id; });
  if (order == known_.end())
    return error(Code::not_found, "there is no work {} on databases", id.substr(0, 100));
  return (*order)->work;
}

Result<DatabaseWork> DatabaseWorks::cancel(const Caller& caller, const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_TRY(const DatabaseWork now, get(id));
  const MutexLock lock(mutex_);
  const auto order =
      std::ranges::find(known_, id, [](const OrderPtr& one) -> const std::string& { return one->work.id; });
  if (order == known_.end() || is_over((*order)->work.state))
    return error(Code::conflict, "the work {} has ended: it is {}", id, name(now.state));
  (*order)->stop.request_stop();
  if ((*order)->work.state == State::queued) {
    (*order)->work.state = State::cancelled;
    (*order)->work.finished = store::wall_now();
    std::erase(waiting_, *order);
  }
  return (*order)->work;
}

void DatabaseWorks::run(std::stop_token stopping) {
  for (;;) {
    OrderPtr order;
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping.stop_requested()) changed_.wait(mutex_);
      if (stopping.stop_requested()) return;
      order = waiting_.front();
      waiting_.pop_front();
      order->work.state = State::running;
    }
    do_one(order);
  }
}

void DatabaseWorks::do_one(const OrderPtr& order) {
  const auto done = order->work.kind == "build"    ? do_build(order)
                    : order->work.kind == "verify" ? do_verify(order)
                    : order->work.kind == "fetch"  ? do_fetch(order)
                                                   : do_warm(order);
  order->sequences.reset();
  const MutexLock lock(mutex_);
  order->work.finished = store::wall_now();
  order->work.fraction.reset();
  if (done) {
    order->work.state = State::completed;
    order->work.message = *done;
  } else {
    order->work.state = done.error().code == Code::cancelled ? State::cancelled : State::failed;
    order->work.message = done.error().message;
  }
}

Result<std::string> DatabaseWorks::do_build(const OrderPtr& order) {
  const auto progress = [this, &order](std::uint64_t read, std::uint64_t total) {
    const MutexLock lock(mutex_);
    if (total > 0) order->work.fraction = static_cast<double>(read) / static_cast<double>(total);
  };
  LOOM_TRY(const Snapshot made,
           build_database(databases_.kept(), runner_, order->build, progress, order->stop.get_token()));
  const MutexLock lock(mutex_);
  order->work.snapshot = made.id;
  return std::string();
}

Result<std::string> DatabaseWorks::do_verify(const OrderPtr& order) {
  LOOM_TRY(const Snapshot snapshot, databases_.kept().get(order->work.database, order->work.snapshot));
  return verify_database(databases_.kept(), runner_, snapshot, order->stop.get_token());
}

Result<std::string> DatabaseWorks::do_fetch(const OrderPtr& order) {
  const auto progress = [this, &order](std::uint64_t done, std::uint64_t total) {
    const MutexLock lock(mutex_);
    if (total > 0)
      order->work.fraction = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  };
  LOOM_TRY(const FetchedDatabase fetched,
           fetch_database(databases_.kept(), runner_, {.name = order->work.database, .mirror = mirror_},
                          progress, order->stop.get_token()));
  const MutexLock lock(mutex_);
  order->work.snapshot = fetched.snapshot.id;
  return fetched.is_new ? "fetched: " + fetched.snapshot.source : "up to date: " + fetched.snapshot.source;
}

Result<std::string> DatabaseWorks::do_warm(const OrderPtr& order) {
  LOOM_TRY(const OpenDatabase opened, databases_.open(order->work.database, order->work.snapshot));
  catalog::WarmOptions options;
  options.budget_bytes = order->budget_bytes;
  options.stop = order->stop.get_token();
  options.progress = [this, &order](const catalog::WarmProgress& now) {
    const MutexLock lock(mutex_);
    if (now.planned_bytes > 0)
      order->work.fraction = static_cast<double>(now.done_bytes) / static_cast<double>(now.planned_bytes);
  };
  LOOM_TRY(const catalog::Warmed warmed, catalog::warm(opened.database, options));
  if (warmed.end == catalog::WarmEnd::stopped) return error(Code::cancelled, "it was cancelled");
  return fmt::format("{} of {} bytes are in memory, {} were read", warmed.residency.resident_bytes,
                     warmed.residency.bytes, warmed.progress.read_bytes);
}

Result<std::vector<Snapshot>> DatabaseWorks::snapshots(const std::string& database) const {
  LOOM_CHECKED(databases_.kept().current(database));
  std::vector<Snapshot> own;
  for (Snapshot& one : databases_.kept().list())
    if (one.database == database) own.push_back(std::move(one));
  return own;
}

Result<FetchedSequences> DatabaseWorks::sequences(const std::string& database, const std::string& id,
                                                  const SequenceRequest& request, Deadline deadline) {
  LOOM_TRY(const OpenDatabase opened, databases_.open(database, id));
  return fetch_sequences(runner_, opened, request, uploads_, deadline);
}

std::string DatabaseWorks::current_id(const std::string& database) const {
  return databases_.kept().current_id(database);
}

Result<Snapshot> DatabaseWorks::switch_to(const Caller& caller, const std::string& database,
                                          const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  return databases_.kept().switch_to(database, id);
}

Status DatabaseWorks::remove(const Caller& caller, const std::string& database, const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  const auto& kept = databases_.kept();
  LOOM_TRY(const Snapshot snapshot, id.empty() ? kept.current(database) : kept.get(database, id));
  LOOM_CHECKED(check_unused(jobs_, id.empty() ? snapshot.folder.parent_path() : snapshot.folder));
  return id.empty() ? kept.remove_all(database) : kept.remove(database, id);
}

}  // namespace loom::service
