#include "app/reading_server.hpp"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "app/front.hpp"
#include "app/object_storage.hpp"
#include "app/redis_ears.hpp"
#include "app/server_log.hpp"
#include "app/surroundings.hpp"
#include "app/version.hpp"
#include "base/folder.hpp"
#include "base/guarded.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "sched/beat.hpp"
#include "sched/upkeep.hpp"
#include "search/settings.hpp"
#include "service/database_fetch.hpp"
#include "service/local_jobs.hpp"
#include "storage/files/files_object_store.hpp"
#include "storage/overlay/overlay_object_store.hpp"
#include "store/sqlite/sqlite_job_store.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLook{2};
/// Of what is made here. As much as copies of open hit indexes may take beside (service/hit_indexes.hpp):
/// room for what is looked at now, in a folder that is often small. What had to go is made again.
constexpr std::uint64_t kMostMadeBytes = std::uint64_t{4} << 30U;

class ReadingServer {
 public:
  static Result<std::unique_ptr<ReadingServer>> open(const ServerOptions& options);
  Status run(const Signals& signals);

 private:
  ReadingServer(const ServerOptions& options, TempDir scratch)
      : options_(options), scratch_(std::move(scratch)), tokens_(options.data / "tokens.json") {}
  [[nodiscard]] fs::path scratch(const char* name) const { return scratch_.path() / name; }
  Status open_data();
  Status open_parts();
  Status listen();
  Status begin_beat();
  api::ReadyState ready();
  [[nodiscard]] std::vector<RedisLink> links() const;
  [[nodiscard]] std::vector<std::string> degraded() const;
  [[nodiscard]] std::string system() const;
  [[nodiscard]] std::string more_metrics() const;
  [[nodiscard]] std::string who_changes() const;

  const ServerOptions options_;
  const TempDir scratch_;
  exec::LocalProcessRunner runner_;
  service::Tokens tokens_;
  std::unique_ptr<store::SqliteJobStore> store_;
  ObjectStorage owners_;
  std::unique_ptr<storage::FilesObjectStore> own_;  ///< made here, of jobs of the owner
  std::unique_ptr<storage::OverlayObjectStore> objects_;
  std::unique_ptr<service::DatabaseList> databases_;
  std::unique_ptr<service::Organisms> organisms_;
  std::unique_ptr<events::Hub> hub_;
  std::unique_ptr<sched::Scheduler> scheduler_;
  std::unique_ptr<service::SequenceReader> reader_;
  std::unique_ptr<service::JobService> jobs_;
  std::unique_ptr<service::DatabaseWorks> works_;
  std::unique_ptr<RedisEars> redis_;  ///< null: none is named
  std::unique_ptr<sched::Beat> beat_;
  std::unique_ptr<Front> front_;
};

Result<std::unique_ptr<ReadingServer>> ReadingServer::open(const ServerOptions& options) {
  LOOM_TRY(TempDir scratch, TempDir::create());
  std::unique_ptr<ReadingServer> server(new ReadingServer(options, std::move(scratch)));
  LOOM_CHECKED(server->open_data());
  LOOM_CHECKED(server->open_parts());
  LOOM_CHECKED(server->listen());
  return server;
}

/// What the owner keeps, and nothing of it is made or changed.
Status ReadingServer::open_data() {
  LOOM_CHECKED(check_reach(options_, tokens_));
  LOOM_TRY(store_, store::SqliteJobStore::open_reading(options_.data / "jobs.sqlite"));
  ServerOptions where = options_;
  if (where.objects.empty()) where.objects = "files:" + (options_.data / "objects").string();
  LOOM_TRY(owners_, join_objects(where));
  LOOM_TRY(catalog::Snapshots kept, catalog::Snapshots::open_reading(options_.data / "databases"));
  databases_ = std::make_unique<service::DatabaseList>(std::move(kept));
  LOOM_TRY(own_, storage::FilesObjectStore::open(scratch("objects")));
  objects_ = std::make_unique<storage::OverlayObjectStore>(*owners_.store, *own_);
  return ok();
}

Status ReadingServer::open_parts() {
  for (const char* name : {"work", "uploads"}) LOOM_CHECKED(make_folders(scratch(name)));
  organisms_ =
      std::make_unique<service::Organisms>(service::taxonomy_file(options_.data), runner_, *databases_);
  LOOM_TRY(hub_, events::Hub::start(*store_));
  const int cores = options_.cores > 0 ? options_.cores : search::usable_cores();
  const std::uint64_t memory =
      options_.memory_bytes > 0 ? options_.memory_bytes : search::usable_memory_bytes();
  scheduler_ = sched::Scheduler::make(*store_, *objects_, runner_,
                                      {.cores = cores,
                                       .memory_bytes = memory,
                                       .work = scratch("work"),
                                       .weights = options_.weights,
                                       .reuse = {.folder = scratch("reuse"), .most_bytes = 0},
                                       .renders_only = true});
  reader_ = std::make_unique<service::SequenceReader>(runner_, scratch("uploads"));
  jobs_ = service::make_local_jobs({.store = *store_,
                                    .objects = *objects_,
                                    .scheduler = *scheduler_,
                                    .runner = runner_,
                                    .reader = *reader_,
                                    .databases = *databases_,
                                    .organisms = *organisms_,
                                    .uploads = scratch("uploads"),
                                    .hits = scratch("hits"),
                                    .cores = cores,
                                    .memory_bytes = memory});
  works_ = std::make_unique<service::DatabaseWorks>(
      service::DatabaseWorksParts{.databases = *databases_,
                                  .jobs = *store_,
                                  .objects = *objects_,
                                  .runner = runner_,
                                  .reader = *reader_,
                                  .uploads = scratch("uploads"),
                                  .mirror = options_.mirror.empty() ? service::kNcbiMirror : options_.mirror,
                                  .import_dir = options_.import_dir,
                                  .memory_bytes = memory});
  LOOM_TRY(redis_, RedisEars::start(options_, [this] { store_->look(); }, works_->details()));
  return ok();
}

Status ReadingServer::listen() {
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
                                            .who_changes = [this] { return who_changes(); }}));
  return ok();
}

api::ReadyState ReadingServer::ready() {
  api::ReadyState state{.lacking = {}, .degraded = degraded(), .reading = true};
  if (const auto counts = store_->counts(Deadline::in(kLook)); !counts)
    state.lacking.push_back("the job store: " + counts.error().message);
  if (const Status objects = owners_.check(Deadline::in(kLook)); !objects)
    state.lacking.push_back("the object store: " + objects.error().message);
  look_around(options_.db_path, state);
  return state;
}

std::vector<RedisLink> ReadingServer::links() const {
  return redis_ ? redis_->links() : std::vector<RedisLink>{};
}

/// Never blocks.
std::vector<std::string> ReadingServer::degraded() const {
  std::vector<std::string> clauses;
  for (const RedisLink& link : links())
    if (!link.health.connected) clauses.push_back(clause_of(link));
  return clauses;
}

std::string ReadingServer::system() const {
  std::string out;
  JsonWriter json(out);
  json.open_object();
  json.member("version", kVersion);
  json.key("degraded");
  json.open_array();
  for (const std::string& clause : degraded()) json.value(clause);
  json.close_array();
  write_links(json, links());
  json.key("counters");
  json.raw("{}");
  json.close_object();
  return out;
}

std::string ReadingServer::more_metrics() const {
  return degraded_metric(degraded().size()) + links_metrics(links());
}

/// The owner's address; empty when it does not run.
std::string ReadingServer::who_changes() const {
  std::ifstream file(options_.data / "address");
  std::string address;
  file >> address;
  return address;
}

/// Keeps up with what the owner changes beside its store, and its own folder small.
Status ReadingServer::begin_beat() {
  std::vector<sched::Periodic> tasks;
  LOOM_TRY(auto sweep, sched::sweep(*store_, *own_, scratch("work")));
  tasks.push_back(std::move(sweep));
  tasks.push_back(sched::bound_made(*own_, kMostMadeBytes));
  tasks.push_back(service::database_rescan(*databases_));
  if (owners_.clients) tasks.push_back(client_prune(owners_.clients));
  beat_ = sched::Beat::start(std::move(tasks));
  return ok();
}

Status ReadingServer::run(const Signals& signals) {
  const std::string& address = front_->address();
  LOOM_CHECKED(scheduler_->start());
  LOOM_CHECKED(begin_beat());
  const std::jthread first_scan([this] { static_cast<void>(guarded([this] { return databases_->get(); })); });
  fmt::print("{}\n", address);
  std::fflush(stdout);
  log::write(
      log::Level::info, "server.started",
      {{"address", address}, {"version", kVersion}, {"data", options_.data.string()}, {"reads", "only"}});
  log_surroundings(options_.db_path);
  front_->run(signals);
  beat_.reset();
  scheduler_->stop(Duration::zero());
  log::write(log::Level::info, "server.stopped", {{"address", address}});
  return ok();
}

}  // namespace

Status serve_reading(const ServerOptions& options, const Signals& signals) {
  LOOM_TRY(const auto server, ReadingServer::open(options));
  return server->run(signals);
}

}  // namespace loom::app
