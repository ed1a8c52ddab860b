#include <fmt/format.h>

#include "app/db_call.hpp"
#include "app/own_flags.hpp"
#include "app/signals.hpp"
#include "catalog/residency.hpp"
#include "exec/local/local_process_runner.hpp"
#include "service/database_check.hpp"
#include "service/databases.hpp"
#include "service/snapshot_retention.hpp"
#include "store/sqlite/sqlite_job_store.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;
using catalog::Snapshot;

/// What unfinished jobs of the server on this folder need.
Result<service::DatabaseUse> use_of(const fs::path& data) {
  if (!fs::exists(data / "jobs.sqlite")) return service::DatabaseUse();
  LOOM_TRY(const auto store, store::SqliteJobStore::open(data / "jobs.sqlite"));
  return service::DatabaseUse::look(*store);
}

Result<std::string> id_before(const catalog::Snapshots& snapshots, const std::string& name) {
  LOOM_TRY(const Snapshot current, snapshots.current(name));
  for (const Snapshot& one : snapshots.list())  // the newest first
    if (one.database == name && one.id < current.id) return one.id;
  return error(Code::not_found, "{} has no snapshot older than {}; 'db info {}' shows those there are", name,
               current.id, name);
}

}  // namespace

Result<int> db_rollback(const DbCall& call) {
  std::string id;
  if (call.words.size() > 1) {
    id = call.words[1];
  } else {
    LOOM_TRY(id, id_before(call.snapshots, call.words[0]));
  }
  LOOM_TRY(const Snapshot now, call.snapshots.switch_to(call.words[0], id));
  fmt::print("{} {}: {} sequences, {} letters\n", now.database, now.id, now.sequences, now.letters);
  return 0;
}

Result<int> db_remove(const DbCall& call) {
  const bool all = call.has("all");
  if (all == (call.words.size() > 1))
    return error(Code::invalid_argument,
                 "remove: name a snapshot's id, or give --all for the database with all of them");
  LOOM_TRY(const Snapshot snapshot, call.snapshot());
  LOOM_TRY(const service::DatabaseUse use, use_of(call.data));
  LOOM_CHECKED(use.check_unused(all ? snapshot.folder.parent_path() : snapshot.folder));
  LOOM_CHECKED(all ? call.snapshots.remove_all(call.words[0])
                   : call.snapshots.remove(call.words[0], call.words[1]));
  return 0;
}

Result<int> db_prune(const DbCall& call) {
  service::SnapshotLimits limits;
  if (!call.has("keep") && !call.has("days"))
    return error(Code::invalid_argument,
                 "prune: give --keep N, the newest snapshots that stay of each database, or --days D");
  if (call.has("keep")) {
    LOOM_TRY(const std::uint32_t keep, call.number("keep", 1));
    limits.keep = static_cast<int>(keep);
  }
  if (call.has("days")) {
    LOOM_TRY(const std::uint32_t days, call.number("days", 1));
    limits.days = static_cast<int>(days);
  }
  const std::string name = call.words.empty() ? "" : call.words[0];
  if (!name.empty()) LOOM_CHECKED(call.snapshots.current(name));
  LOOM_TRY(const service::DatabaseUse use, use_of(call.data));
  LOOM_TRY(const auto removed, service::prune(call.snapshots, use, limits, name));
  for (const Snapshot& one : removed) fmt::print("{} {}: removed\n", one.database, one.id);
  return 0;
}

Result<int> db_verify(const DbCall& call) {
  LOOM_TRY(const Snapshot snapshot, call.snapshot());
  exec::LocalProcessRunner runner;
  const Signals signals;
  LOOM_TRY(const std::string fault,
           service::verify_database(call.snapshots, runner, snapshot, signals.stop()));
  fmt::print("{} {}: {}\n", snapshot.database, snapshot.id, fault.empty() ? "whole" : fault);
  return fault.empty() ? 0 : kDamaged;
}

Result<int> db_warm(const DbCall& call) {
  service::DatabaseList databases(call.snapshots);
  LOOM_TRY(const service::OpenDatabase opened, databases.open(call.words[0]));
  catalog::WarmOptions options;
  if (call.has("budget")) {
    LOOM_TRY(options.budget_bytes, parse_bytes(call.value("budget")));
  }
  const Signals signals;
  options.stop = signals.stop();
  LOOM_TRY(const catalog::Warmed warmed, catalog::warm(opened.database, options));
  fmt::print("{}: {} of {} bytes are in memory, {} were read\n", call.words[0],
             warmed.residency.resident_bytes, warmed.residency.bytes, warmed.progress.read_bytes);
  return 0;
}

}  // namespace loom::app
