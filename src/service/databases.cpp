#include "service/databases.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "blast/program.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/database.hpp"
#include "catalog/search_path.hpp"

namespace loom::service {

namespace {

constexpr int kKeptVersion = 5;

/// As one name in the text of -db, whatever stands in it.
std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

}  // namespace

Status DatabaseList::scan_first() {
  {
    const MutexLock lock(mutex_);
    if (known_) return ok();
  }
  LOOM_CHECKED(rescan());
  return ok();
}

Result<std::vector<DatabaseInfo>> DatabaseList::get() {
  LOOM_CHECKED(scan_first());
  const MutexLock lock(mutex_);
  return listed(*known_);
}

Result<std::string> DatabaseList::version_of(const std::string& name, const std::string& id) {
  const std::string snapshot = id.empty() ? kept_.current_id(name) : id;
  if (!snapshot.empty()) return fmt::format("{}@{}", name, snapshot);
  LOOM_CHECKED(scan_first());
  const MutexLock lock(mutex_);
  return fmt::format("{}@scan {}", name, changes_);
}

std::vector<DatabaseInfo> DatabaseList::listed(const std::vector<DatabaseInfo>& found) const {
  std::vector<DatabaseInfo> all = kept_now();
  const std::size_t kept = all.size();
  for (const DatabaseInfo& one : found)
    if (std::none_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept),
                     [&](const DatabaseInfo& other) { return other.name == one.name; }))
      all.push_back(one);
  std::ranges::sort(all, {}, &DatabaseInfo::name);
  return all;
}

std::vector<DatabaseInfo> DatabaseList::kept_now() const {
  std::vector<DatabaseInfo> list;
  std::error_code ignored;
  for (const catalog::Snapshot& one : kept_.list()) {
    if (kept_.current_id(one.database) != one.id) continue;
    list.push_back({.name = one.database,
                    .title = one.title,
                    .molecule = std::string(blast::name(one.molecule)),
                    .sequences = one.sequences,
                    .letters = one.letters,
                    .bytes = one.bytes,
                    .date = one.created,
                    .version = kKeptVersion,
                    .snapshot = one.id,
                    .source = one.source,
                    .verified = one.verified,
                    .fault = one.fault,
                    .profiles = std::filesystem::exists(one.folder / (one.database + ".rps"), ignored)});
  }
  return list;
}

std::string DatabaseList::path_of(std::string_view names) const {
  std::string path;
  for (const std::string& name : catalog::split_names(names)) {
    if (kept_.current_id(name).empty()) continue;
    const auto snapshot = kept_.current(name);
    if (!snapshot) continue;
    if (!path.empty()) path += ':';
    path += snapshot->folder.string();
  }
  return path;
}

Result<OpenDatabase> DatabaseList::open(const std::string& name, const std::string& id) {
  if (!id.empty() || !kept_.current_id(name).empty()) {
    LOOM_TRY(const catalog::Snapshot snapshot, id.empty() ? kept_.current(name) : kept_.get(name, id));
    const std::string folders = snapshot.folder.string();
    LOOM_TRY(auto database,
             catalog::open_database(quoted(name), snapshot.molecule, catalog::SearchPath::with(folders)));
    return OpenDatabase{std::move(database), folders};
  }
  LOOM_TRY(const auto all, get());
  const auto found = std::ranges::find(all, name, &DatabaseInfo::name);
  if (found == all.end())
    return error(Code::not_found,
                 "there is no database {}; GET /api/blast/databases and 'db list' show those there are",
                 name.substr(0, 100));
  const bool protein = found->molecule == blast::name(blast::Molecule::protein);
  LOOM_TRY(auto database, catalog::open_database(
                              quoted(name), protein ? blast::Molecule::protein : blast::Molecule::nucleotide,
                              catalog::SearchPath::from_environment()));
  return OpenDatabase{std::move(database), ""};
}

Result<std::size_t> DatabaseList::rescan() {
  // Held to the end: a scan that opens nothing, because another just did, must not be heard of before that
  // one.
  const MutexLock scanning(scanning_);
  std::vector<DatabaseInfo> list;
  for (const catalog::Discovered& one : discovery_.scan(catalog::SearchPath::from_environment()))
    list.push_back({.name = one.name,
                    .title = one.title,
                    .molecule = std::string(blast::name(one.molecule)),
                    .sequences = one.shown.sequences,
                    .letters = one.shown.letters,
                    .bytes = one.bytes,
                    .date = one.date,
                    .version = static_cast<int>(one.version),
                    .profiles = one.profiles});
  const bool changed = discovery_.opened() > 0;
  const MutexLock lock(mutex_);
  known_ = std::move(list);
  if (changed) ++changes_;
  return known_->size();  // beside those it keeps
}

sched::Periodic database_rescan(DatabaseList& databases) {
  return {.name = "database_rescan",
          .every = std::chrono::seconds(60),
          .run = [&databases]() -> Result<std::uint64_t> {
            LOOM_TRY(const std::size_t found, databases.rescan());
            return static_cast<std::uint64_t>(found);
          }};
}

}  // namespace loom::service
