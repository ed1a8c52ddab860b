#include "app/serve_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "app/configuration.hpp"
#include "app/flags.hpp"
#include "app/front.hpp"
#include "app/object_storage.hpp"
#include "app/reading_server.hpp"
#include "app/redis_peers.hpp"
#include "app/server_log.hpp"
#include "app/server_options.hpp"
#include "app/settings.hpp"
#include "app/signals.hpp"
#include "app/slurm_tasks.hpp"
#include "app/surroundings.hpp"
#include "app/version.hpp"
#include "base/atomic_file.hpp"
#include "base/fd.hpp"
#include "base/folder.hpp"
#include "base/guarded.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "catalog/search_path.hpp"
#include "exec/local/local_process_runner.hpp"
#include "sched/beat.hpp"
#include "sched/upkeep.hpp"
#include "search/settings.hpp"
#include "service/database_fetch.hpp"
#include "service/local_jobs.hpp"
#include "store/sqlite/sqlite_job_store.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kGrace{10};
constexpr mode_t kForOthers = 077;  // nobody else reads queries, results and tokens
constexpr std::string_view kServeUsage = R"(usage: blastloom serve --data DIR [--config FILE] [flags]

Runs the job service. Each flag may also stand in FILE (TOML: 'cores = 4' is --cores 4) or in the environment
(BLASTLOOM_CORES); flags win over the environment, and that over the file. 'blastloom config' shows what holds.
One server owns DIR; with --read-only others show what is in it.
)";
/// Memory of a node that nobody gave: no database is cut for its sake.
constexpr std::uint64_t kEnough = std::uint64_t{1} << 50U;
constexpr std::uint64_t kLittleRoom = std::uint64_t{64} << 20U;

int fail(const Error& error) {
  fmt::print(stderr, "blastloom: {}\n", error.message);
  return 1;
}

Status make_data_folder(const fs::path& data) {
  for (const char* name : {"objects", "work", "uploads"}) LOOM_CHECKED(make_folders(data / name));
  std::error_code ignored;
  fs::permissions(data, fs::perms::owner_all, ignored);
  static_cast<void>(for_entries(
      data / "uploads", [&](const fs::directory_entry& left) { fs::remove_all(left.path(), ignored); }));
  return ok();
}

/// One server per data folder.
Result<Fd> lock_data(const fs::path& data) {
  Fd lock(::open((data / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return system_error(errno, "lock " + data.string());
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return error(Code::conflict, "another server uses {}; stop it, or give another --data folder",
                 data.string());
  return lock;
}

Status write_address(const fs::path& file, const std::string& address) {
  LOOM_TRY(AtomicFile made, AtomicFile::create(file));
  LOOM_CHECKED(made.write(address + "\n"));
  return made.commit();
}

/// On a full disk the server starts without it, so that jobs can be removed.
Status tell_address(const fs::path& file, const std::string& address) {
  Status written = write_address(file, address);
  if (written || written.error().code != Code::disk_full) return written;
  log::write(log::Level::warning, "address.unwritten", {{"reason", written.error().message}});
  std::error_code failed;
  fs::remove(file, failed);  // of a server before
  return failed ? written : ok();
}

class Service {
 public:
  static Result<std::unique_ptr<Service>> open(const ServerOptions& options);
  int run(const Signals& signals);

 private:
  explicit Service(const ServerOptions& options) : options_(options), tokens_(options.data / "tokens.json") {}
  Status open_parts();
  Status listen();
  api::ReadyState ready();
  std::vector<std::string> degraded();
  std::string system();
  std::string more_metrics();
  void count(const http::Exchange& exchange);
  Result<std::uint64_t> reconcile();
  void begin_beat();

  ServerOptions options_;
  Fd lock_;
  exec::LocalProcessRunner runner_;
  service::Tokens tokens_;
  std::unique_ptr<service::DatabaseList> databases_;
  std::jthread first_scan_;  ///< so that the first who asks need not wait for it
  std::unique_ptr<service::Organisms> organisms_;
  std::unique_ptr<store::SqliteJobStore> store_;
  ObjectStorage objects_;
  std::optional<sched::Periodic> sweep_;  ///< until the beat has it
  std::unique_ptr<events::Hub> hub_;
  std::shared_ptr<void> logging_;
  std::unique_ptr<exec::slurm::SlurmRunner> slurm_;  ///< null: tasks run here
  std::unique_ptr<sched::Scheduler> scheduler_;
  std::unique_ptr<service::SequenceReader> reader_;
  std::unique_ptr<service::JobService> jobs_;
  std::unique_ptr<service::DatabaseWorks> works_;
  std::unique_ptr<RedisPeers> redis_;  ///< null: none is named
  std::unique_ptr<sched::Beat> beat_;
  std::uint64_t tasks_counted_ = 0;  // of the beat's thread
  std::unique_ptr<Front> front_;
};

Result<std::unique_ptr<Service>> Service::open(const ServerOptions& options) {
  std::unique_ptr<Service> service(new Service(options));
  LOOM_CHECKED(service->open_parts());
  LOOM_CHECKED(service->listen());
  return service;
}

Status Service::open_parts() {
  LOOM_CHECKED(make_data_folder(options_.data));
  LOOM_TRY(lock_, lock_data(options_.data));
  LOOM_CHECKED(check_reach(options_, tokens_));
  const fs::path jobs = options_.data / "jobs.sqlite";
  LOOM_TRY(store_, store::SqliteJobStore::open(jobs));
  LOOM_TRY(objects_, open_objects(options_, *store_, jobs));
  LOOM_TRY(sweep_, sched::sweep(*store_, *objects_.store, options_.data / "work"));
  LOOM_TRY(catalog::Snapshots kept, catalog::Snapshots::open(options_.data / "databases"));
  databases_ = std::make_unique<service::DatabaseList>(std::move(kept));
  organisms_ =
      std::make_unique<service::Organisms>(service::taxonomy_file(options_.data), runner_, *databases_);
  first_scan_ = std::jthread([this] { static_cast<void>(guarded([this] { return databases_->get(); })); });
  LOOM_TRY(hub_, events::Hub::start(*store_));
  hub_->listen(log_events, logging_);
  sched::SchedulerOptions wanted{
      .cores = options_.cores > 0 ? options_.cores : search::usable_cores(),
      .memory_bytes = options_.memory_bytes > 0 ? options_.memory_bytes : search::usable_memory_bytes(),
      .work = options_.data / "work",
      .weights = options_.weights,
      .coalesce = options_.coalesce,
      .reuse = {.folder = options_.data / "reuse",
                .most_bytes = options_.reuse_bytes,
                .release = std::string(kVersion)}};
  if (options_.slurm.on) {
    LOOM_TRY(slurm_, open_slurm(options_, *objects_.store, runner_));
    wanted.cores = options_.slurm.outstanding;
    wanted.memory_bytes = options_.memory_bytes > 0 ? options_.memory_bytes : kEnough;
    wanted.elsewhere = true;
    wanted.waits_for = [this](const fs::path& folder) { return slurm_->waits_for(folder); };
  } else {
    end_left_slurm_tasks(options_, *objects_.store, runner_);
  }
  const int cores = wanted.cores;
  const std::uint64_t memory = wanted.memory_bytes;
  exec::ProcessRunner& tasks = slurm_ ? static_cast<exec::ProcessRunner&>(*slurm_) : runner_;
  scheduler_ = sched::Scheduler::make(*store_, *objects_.store, tasks, std::move(wanted));
  reader_ = std::make_unique<service::SequenceReader>(runner_, options_.data / "uploads");
  jobs_ = service::make_local_jobs({.store = *store_,
                                    .objects = *objects_.store,
                                    .scheduler = *scheduler_,
                                    .runner = runner_,
                                    .reader = *reader_,
                                    .databases = *databases_,
                                    .organisms = *organisms_,
                                    .limits = options_.limits,
                                    .uploads = options_.data / "uploads",
                                    .hits = options_.data / "hits",
                                    .cores = cores,
                                    .memory_bytes = memory,
                                    .engine_threads = !options_.slurm.on});
  works_ = std::make_unique<service::DatabaseWorks>(
      service::DatabaseWorksParts{.databases = *databases_,
                                  .jobs = *store_,
                                  .objects = *objects_.store,
                                  .runner = runner_,
                                  .reader = *reader_,
                                  .uploads = options_.data / "uploads",
                                  .mirror = options_.mirror.empty() ? service::kNcbiMirror : options_.mirror,
                                  .import_dir = options_.import_dir,
                                  .memory_bytes = slurm_ ? options_.memory_bytes : memory});
  LOOM_TRY(redis_,
           RedisPeers::start(options_, {.store = *store_, .hub = *hub_, .details = works_->details()}));
  return ok();
}

api::ReadyState Service::ready() {
  api::ReadyState state;
  if (const auto counts = store_->counts(Deadline::in(std::chrono::seconds(2))); !counts)
    state.lacking.push_back("the job store: " + counts.error().message);
  if (const Status objects = objects_.check(Deadline::in(std::chrono::seconds(2))); !objects)
    state.lacking.push_back("the object store: " + objects.error().message);
  look_around(options_.db_path, state);
  for (std::string& clause : degraded()) state.degraded.push_back(std::move(clause));
  return state;
}

/// Never blocks.
std::vector<std::string> Service::degraded() {
  auto clauses = redis_ ? redis_->degraded() : std::vector<std::string>{};
  if (slurm_)
    if (const auto silent = slurm_->counts().unreachable)
      clauses.push_back("Slurm does not answer; tasks wait: " + silent->message);
  std::error_code unknown;
  const auto free = std::filesystem::space(options_.data, unknown).available;
  if (!unknown && free < kLittleRoom)
    clauses.push_back(fmt::format("the server's disk is nearly full: {} MiB are left", free >> 20U));
  return clauses;
}

std::string Service::system() {
  std::string out;
  JsonWriter json(out);
  json.open_object();
  json.member("version", kVersion);
  json.key("degraded");
  json.open_array();
  for (const std::string& clause : degraded()) json.value(clause);
  json.close_array();
  if (redis_) {
    redis_->write(json);
  } else {
    json.key("redis");
    json.raw("[]");
    json.key("counters");
    json.raw("{}");
  }
  json.close_object();
  return out;
}

std::string Service::more_metrics() {
  std::string out = degraded_metric(degraded().size());
  if (redis_) out += redis_->metrics();
  if (slurm_) out += metrics_text(slurm_->counts());
  return out;
}

/// For the counters of all servers.
void Service::count(const http::Exchange& exchange) {
  using events::redis::Row;
  if (!redis_) return;
  constexpr int kCreated = 201;
  redis_->count(Row::requests);
  if (exchange.pattern == "/api/blast/jobs" && exchange.status == kCreated) redis_->count(Row::submits);
}

Status Service::listen() {
  LOOM_TRY(front_, Front::listen(options_, {.jobs = *jobs_,
                                            .tokens = tokens_,
                                            .scheduler = *scheduler_,
                                            .hub = *hub_,
                                            .store = *store_,
                                            .works = *works_,
                                            .organisms = *organisms_,
                                            .ready = [this] { return ready(); },
                                            .beat = [this] { return beat_ ? beat_->report() : "{}"; },
                                            .system = [this] { return system(); },
                                            .more_metrics = [this] { return more_metrics(); },
                                            .count = [this](const auto& exchange) { count(exchange); }}));
  return ok();
}

Result<std::uint64_t> Service::reconcile() {
  if (redis_) {
    using events::redis::Row;
    const std::uint64_t done = scheduler_->counts().tasks_done;
    redis_->count(Row::beats);
    redis_->count(Row::tasks, static_cast<std::uint32_t>(done - std::exchange(tasks_counted_, done)));
  }
  return scheduler_->reconcile();
}

void Service::begin_beat() {
  std::vector<sched::Periodic> tasks;
  tasks.push_back(
      {.name = "reconcile", .every = std::chrono::seconds(10), .run = [this] { return reconcile(); }});
  tasks.push_back(sched::metrics_backfill(*store_, slurm_ ? late_metrics(*slurm_) : sched::LateMetrics{}));
  if (objects_.clients) tasks.push_back(client_prune(objects_.clients));
  tasks.push_back(service::database_rescan(*databases_));
  if (options_.retention_days > 0 || options_.retention_bytes > 0)
    tasks.push_back(sched::retention(
        *store_, *objects_.store, {.days = options_.retention_days, .bytes = options_.retention_bytes},
        [this](const store::JobId& id) {
          const service::Caller system{"retention", service::Role::admin};
          return jobs_->remove(system, id, Deadline::in(std::chrono::seconds(30)));
        }));
  if (redis_) tasks.push_back(redis_->drain());
  if (options_.snapshots.any())
    tasks.push_back(service::snapshot_retention(databases_->kept(), *store_, options_.snapshots));
  tasks.push_back(std::move(*sweep_));
  beat_ = sched::Beat::start(*store_, std::move(tasks));
}

int Service::run(const Signals& signals) {
  const std::string& address = front_->address();
  if (const Status told = tell_address(options_.data / "address", address); !told) return fail(told.error());
  if (const Status started = scheduler_->start(); !started) return fail(started.error());
  begin_beat();
  fmt::print("{}\n", address);
  std::fflush(stdout);
  log::write(log::Level::info, "server.started",
             {{"address", address}, {"version", kVersion}, {"data", options_.data.string()}});
  log_surroundings(options_.db_path);
  front_->run(signals);
  beat_.reset();
  redis_.reset();
  works_.reset();
  // What runs in Slurm goes on, and the next server takes it up.
  if (slurm_) slurm_->detach();
  scheduler_->stop(slurm_ ? Duration::zero() : kGrace);
  std::error_code ignored;
  fs::remove(options_.data / "address", ignored);
  log::write(log::Level::info, "server.stopped", {{"address", address}});
  return 0;
}

/// Where we were started must not matter, here and on nodes.
void make_absolute(ServerOptions& options) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet.
  if (const char* path = std::getenv("BLASTDB"); path != nullptr && options.db_path.empty())
    options.db_path = path;
  std::vector<std::string> folders;
  for (const fs::path& folder : catalog::split_folders(options.db_path))
    folders.push_back(fs::absolute(folder).lexically_normal().string());
  options.db_path = fmt::format("{}", fmt::join(folders, ":"));
  if (options.slurm.on) options.data = fs::absolute(options.data).lexically_normal();
}

/// Each connection, open hit index and running task needs descriptors, and the usual soft limit is there for
/// programs that use select(2). Those we start inherit the new one: so no more than the unit of systemd sets,
/// for some of them walk through all numbers below it. Where it cannot be raised, it stays.
void raise_descriptor_limit() {
  constexpr rlim_t kEnoughDescriptors = 65'536;
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return;
  const rlim_t wanted = std::min(now.rlim_max, kEnoughDescriptors);
  if (now.rlim_cur >= wanted) return;
  now.rlim_cur = wanted;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &now));
}

int run_server(const ServerOptions& options) {
  ::umask(kForOthers);
  raise_descriptor_limit();
  if (!options.db_path.empty()) ::setenv("BLASTDB", options.db_path.c_str(), 1);
  log::set_level(options.log_level);
  const Signals signals;
  if (options.read_only) {
    const Status served = serve_reading(options, signals);
    return served ? 0 : fail(served.error());
  }
  auto service = Service::open(options);
  if (!service) return fail(service.error());
  return (*service)->run(signals);
}

int list_tokens(service::Tokens& tokens) {
  const auto list = tokens.list();
  if (!list) return fail(list.error());
  for (const service::Token& token : *list)
    fmt::print("{}\t{}\t{}\t{}\n", token.id, token.name, name(token.role), token.created);
  return 0;
}

}  // namespace

int serve_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    fmt::print("{}\n{}", kServeUsage, settings_help());
    return args.empty() ? 1 : 0;
  }
  auto configuration = configure(args, take_environment());
  if (!configuration) return fail(configuration.error());
  if (configuration->options.data.empty())
    return fail(error(Code::invalid_argument, "serve needs --data DIR, the folder where everything is kept"));
  if (const Status fits = check_slurm(*configuration); !fits) return fail(fits.error());
  make_absolute(configuration->options);
  return run_server(configuration->options);
}

int token_command(std::span<const std::string> args) {
  constexpr std::array kFlags{KnownFlag{"data"}, KnownFlag{"role"}};
  const auto read = read_arguments("token", args, kFlags);
  if (!read) return fail(read.error());
  const std::vector<std::string>& words = read->rest;
  const fs::path data = read->value("data");
  const auto role = read->has("role") ? service::parse_role(read->value("role")) : service::Role::user;
  if (!role)
    return fail(
        error(Code::invalid_argument, "--role: viewer, user or admin, not '{}'", read->value("role")));
  const bool known =
      !words.empty() &&
      (words[0] == "list" || ((words[0] == "create" || words[0] == "remove") && words.size() == 2));
  if (data.empty() || !known) {
    fmt::print(stderr,
               "usage: blastloom token create NAME [--role viewer|user|admin] --data DIR\n"
               "       blastloom token list --data DIR\n       blastloom token remove ID --data DIR\n");
    return 1;
  }
  ::umask(kForOthers);
  std::error_code ignored;
  fs::create_directories(data, ignored);
  service::Tokens tokens(data / "tokens.json");
  if (words[0] == "list") return list_tokens(tokens);
  if (words[0] == "remove") {
    const Status removed = tokens.remove(words[1]);
    return removed ? 0 : fail(removed.error());
  }
  const auto secret = tokens.create(words[1], *role);
  if (!secret) return fail(secret.error());
  fmt::print("{}\n", *secret);
  return 0;
}

}  // namespace loom::app
