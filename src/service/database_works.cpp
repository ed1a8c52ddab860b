#include "service/database_works.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/guarded.hpp"
#include "base/random.hpp"
#include "service/database_add.hpp"
#include "service/database_check.hpp"
#include "service/database_fetch.hpp"
#include "service/database_imports.hpp"
#include "service/database_use.hpp"

namespace loom::service {

namespace {

using catalog::Snapshot;
using Kind = DatabaseWork::Kind;
using State = DatabaseWork::State;

bool is_over(State state) {
  return state != State::queued && state != State::running;
}

Status check_admin(const Caller& caller) {
  if (caller.role == Role::admin) return ok();
  return error(Code::forbidden, "databases are changed by an admin of this server");
}

/// The one place that the text of a build comes from.
Status check_sources(const BuildOrder& order) {
  const bool uploaded = order.sequences && order.sequences->size_bytes() > 0;
  const int sources = int{uploaded} + int{!order.path.empty()} + int{!order.object.empty()};
  if (sources == 0)
    return error(Code::invalid_argument,
                 "the body is empty; send FASTA text, plain or gzip, or name a path or an object");
  if (sources > 1)
    return error(Code::invalid_argument,
                 "the sequences come from one place: the body, a path or an object, not from several");
  return ok();
}

}  // namespace

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::build:
      return "build";
    case Kind::append:
      return "append";
    case Kind::add:
      return "add";
    case Kind::fetch:
      return "fetch";
    case Kind::verify:
      return "verify";
    case Kind::warm:
      return "warm";
  }
  return "";
}

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

DatabaseWorks::DatabaseWorks(DatabaseWorksParts parts)
    : details_(parts.databases, &parts.objects),
      parts_(std::move(parts)),
      thread_([this](std::stop_token stopping) { run(std::move(stopping)); }) {}

DatabaseWorks::~DatabaseWorks() {
  thread_.request_stop();
  const MutexLock lock(mutex_);
  for (const OrderPtr& order : known_) order->stop.request_stop();
  changed_.notify_all();
}

Result<std::unique_ptr<QueryUpload>> DatabaseWorks::begin_upload(const Caller& caller) const {
  LOOM_CHECKED(check_admin(caller));
  return std::make_unique<QueryUpload>(parts_.uploads, Limit{});
}

Result<DatabaseWork> DatabaseWorks::enqueue(DatabaseWork work,
                                            std::function<Result<std::string>(Order&)> act) {
  work.id = random_token();
  work.created = store::wall_now();
  const auto order = std::make_shared<Order>(Order{.work = std::move(work), .act = std::move(act)});
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

Result<DatabaseWorks::OrderPtr> DatabaseWorks::find(const std::string& id) const {
  const auto order =
      std::ranges::find(known_, id, [](const OrderPtr& one) -> const std::string& { return one->work.id; });
  if (order == known_.end())
    return error(Code::not_found, "there is no work {} on databases", id.substr(0, 100));
  return *order;
}

Result<DatabaseWork> DatabaseWorks::build(const Caller& caller, BuildOrder order) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_CHECKED(catalog::check_database_name(order.request.name));
  LOOM_CHECKED(check_sources(order));
  if (order.request.append) LOOM_CHECKED(parts_.databases.kept().current(order.request.name));
  if (!order.path.empty()) {
    LOOM_TRY(order.request.fasta, import_path(parts_.import_dir, order.path));
  } else if (order.object.empty()) {
    LOOM_TRY(order.request.fasta, order.sequences->file());
  }
  if (order.taxid_map) {
    LOOM_TRY(order.request.taxid_map, order.taxid_map->file());
  }
  for (const auto& mask : order.masks) {
    LOOM_TRY(order.request.masks.emplace_back(), mask->file());
  }
  const Kind kind = order.request.append ? Kind::append : Kind::build;
  auto what = std::make_shared<BuildOrder>(std::move(order));
  return enqueue({.kind = kind, .database = what->request.name},
                 [this, what](Order& now) { return do_build(now, *what); });
}

Result<DatabaseWork> DatabaseWorks::add(const Caller& caller, const std::string& path) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_TRY(const std::filesystem::path base, import_path(parts_.import_dir, path));
  LOOM_CHECKED(catalog::check_database_name(base.filename().string()));
  return enqueue({.kind = Kind::add, .database = base.filename().string()},
                 [this, base](Order& now) { return do_add(now, base); });
}

Result<DatabaseWork> DatabaseWorks::fetch(const Caller& caller, const std::string& database) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_CHECKED(catalog::check_database_name(database));
  return enqueue({.kind = Kind::fetch, .database = database}, [this](Order& now) { return do_fetch(now); });
}

Result<DatabaseWork> DatabaseWorks::verify(const Caller& caller, const std::string& database,
                                           const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  const auto& kept = parts_.databases.kept();
  LOOM_TRY(const Snapshot snapshot, id.empty() ? kept.current(database) : kept.get(database, id));
  return enqueue({.kind = Kind::verify, .database = database, .snapshot = snapshot.id},
                 [this](Order& now) { return do_verify(now); });
}

Result<DatabaseWork> DatabaseWorks::warm(const Caller& caller, const std::string& database,
                                         const std::string& id, std::uint64_t budget_bytes) {
  LOOM_CHECKED(check_admin(caller));
  LOOM_CHECKED(parts_.databases.open(database, id));
  return enqueue({.kind = Kind::warm,
                  .database = database,
                  .snapshot = id.empty() ? parts_.databases.kept().current_id(database) : id},
                 [this, budget_bytes](Order& now) { return do_warm(now, budget_bytes); });
}

std::vector<DatabaseWork> DatabaseWorks::list() const {
  const MutexLock lock(mutex_);
  std::vector<DatabaseWork> works;
  for (auto order = known_.rbegin(); order != known_.rend(); ++order) works.push_back((*order)->work);
  return works;
}

Result<DatabaseWork> DatabaseWorks::get(const std::string& id) const {
  const MutexLock lock(mutex_);
  LOOM_TRY(const OrderPtr order, find(id));
  return order->work;
}

Result<DatabaseWork> DatabaseWorks::cancel(const Caller& caller, const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  const MutexLock lock(mutex_);
  LOOM_TRY(const OrderPtr order, find(id));
  if (is_over(order->work.state))
    return error(Code::conflict, "the work {} has ended: it is {}", id, name(order->work.state));
  order->stop.request_stop();
  if (order->work.state == State::queued) {
    order->work.state = State::cancelled;
    order->work.finished = store::wall_now();
    std::erase(waiting_, order);
  }
  return order->work;
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
    do_one(*order);
  }
}

void DatabaseWorks::do_one(Order& order) {
  const auto done = guarded([&order] { return order.act(order); });
  order.act = nullptr;  // what was uploaded for it goes
  const MutexLock lock(mutex_);
  order.work.finished = store::wall_now();
  order.work.fraction.reset();
  order.work.step.clear();
  if (done) {
    order.work.state = State::completed;
    order.work.message = *done;
  } else {
    order.work.state = done.error().code == Code::cancelled ? State::cancelled : State::failed;
    order.work.message = done.error().message;
  }
}

void DatabaseWorks::report(Order& order, std::uint64_t done, std::uint64_t total) {
  const MutexLock lock(mutex_);
  if (total > 0) order.work.fraction = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

Result<std::string> DatabaseWorks::do_build(Order& order, BuildOrder& build) {
  if (!build.object.empty()) {
    build.sequences = std::make_unique<QueryUpload>(parts_.uploads, Limit{});
    LOOM_CHECKED(import_object(parts_.objects, build.object, *build.sequences));
    LOOM_TRY(build.request.fasta, build.sequences->file());
  }
  const BuildWatch watch{
      .progress = [&](std::uint64_t done, std::uint64_t total) { report(order, done, total); },
      .step =
          [&](std::string_view step) {
            const MutexLock lock(mutex_);
            order.work.step = step;
            order.work.fraction.reset();
          },
      .repeated =
          [&](const RepeatedIds& repeated) {
            const MutexLock lock(mutex_);
            order.work.repeated = repeated;
          }};
  LOOM_TRY(const Snapshot made, build_database(parts_.databases.kept(), parts_.runner, build.request, watch,
                                               order.stop.get_token()));
  const MutexLock lock(mutex_);
  order.work.snapshot = made.id;
  return words_of(order.work.repeated);
}

Result<std::string> DatabaseWorks::do_add(Order& order, const std::filesystem::path& path) {
  LOOM_TRY(const Snapshot made,
           add_database(parts_.databases.kept(), parts_.runner, path, order.stop.get_token()));
  const MutexLock lock(mutex_);
  order.work.snapshot = made.id;
  return std::string();
}

Result<std::string> DatabaseWorks::do_verify(Order& order) {
  const auto& kept = parts_.databases.kept();
  LOOM_TRY(const Snapshot snapshot, kept.get(order.work.database, order.work.snapshot));
  return verify_database(kept, parts_.runner, snapshot, order.stop.get_token());
}

Result<std::string> DatabaseWorks::do_fetch(Order& order) {
  LOOM_TRY(const FetchedDatabase fetched,
           fetch_database(
               parts_.databases.kept(), parts_.runner, {.name = order.work.database, .mirror = parts_.mirror},
               [&](std::uint64_t done, std::uint64_t total) { report(order, done, total); },
               order.stop.get_token()));
  const MutexLock lock(mutex_);
  order.work.snapshot = fetched.snapshot.id;
  return fetched.is_new ? "fetched: " + fetched.snapshot.source : "up to date: " + fetched.snapshot.source;
}

Result<std::string> DatabaseWorks::do_warm(Order& order, std::uint64_t budget_bytes) {
  LOOM_TRY(const OpenDatabase opened, parts_.databases.open(order.work.database, order.work.snapshot));
  catalog::WarmOptions options;
  options.budget_bytes = budget_bytes;
  options.stop = order.stop.get_token();
  options.progress = [&](const catalog::WarmProgress& now) {
    report(order, now.done_bytes, now.planned_bytes);
  };
  LOOM_TRY(const catalog::Warmed warmed, catalog::warm(opened.database, options));
  if (warmed.end == catalog::WarmEnd::stopped) return error(Code::cancelled, "it was cancelled");
  return fmt::format("{} of {} bytes are in memory, {} were read", warmed.residency.resident_bytes,
                     warmed.residency.bytes, warmed.progress.read_bytes);
}

Result<std::vector<Snapshot>> DatabaseWorks::snapshots(const std::string& database) const {
  LOOM_CHECKED(parts_.databases.kept().current(database));
  std::vector<Snapshot> own;
  for (Snapshot& one : parts_.databases.kept().list())
    if (one.database == database) own.push_back(std::move(one));
  return own;
}

Result<FetchedSequences> DatabaseWorks::sequences(const std::string& database, const std::string& id,
                                                  const SequenceRequest& request, Deadline deadline) {
  LOOM_TRY(const OpenDatabase opened, parts_.databases.open(database, id));
  LOOM_TRY(const std::string version, parts_.databases.version_of(database, id));
  return parts_.reader.fetch(version, opened, request, deadline);
}

Result<std::vector<Recommendation>> DatabaseWorks::recommend(blast::Molecule molecule, std::uint64_t longest,
                                                             const std::string& database) {
  return recommend_from(parts_.databases, molecule, longest, parts_.memory_bytes, database);
}

std::string DatabaseWorks::current_id(const std::string& database) const {
  return parts_.databases.kept().current_id(database);
}

Result<Snapshot> DatabaseWorks::switch_to(const Caller& caller, const std::string& database,
                                          const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  return parts_.databases.kept().switch_to(database, id);
}

Status DatabaseWorks::remove(const Caller& caller, const std::string& database, const std::string& id) {
  LOOM_CHECKED(check_admin(caller));
  const auto& kept = parts_.databases.kept();
  LOOM_TRY(const Snapshot snapshot, id.empty() ? kept.current(database) : kept.get(database, id));
  LOOM_TRY(const DatabaseUse use, DatabaseUse::look(parts_.jobs));
  LOOM_CHECKED(use.check_unused(id.empty() ? snapshot.folder.parent_path() : snapshot.folder));
  return id.empty() ? kept.remove_all(database) : kept.remove(database, id);
}

}  // namespace loom::service
