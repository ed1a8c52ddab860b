#include "service/known_databases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "catalog/database.hpp"
#include "sched/job_spec.hpp"
#include "search/scout.hpp"

namespace loom::service {

namespace {

constexpr std::chrono::seconds kGood{1};
constexpr std::size_t kMost = 64;

}  // namespace

Result<DatabaseFacts> KnownDatabases::get(const blast::Options& options, const std::string& path) {
  const auto* names = options.find("db");
  const std::string key = fmt::format("{}\n{}\n{}", static_cast<int>(blast::database_kind(options.program())),
                                      path, names == nullptr ? "" : names->text);
  const Instant now = std::chrono::steady_clock::now();
  std::optional<Entry> known;
  {
    const MutexLock lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end() && now < found->second.until)
      known = found->second;
  }
  const auto unchanged = [](const Stamp& stamp) {
    std::error_code gone;
    return std::filesystem::last_write_time(stamp.file, gone) == stamp.changed && !gone;
  };
  if (known && std::ranges::all_of(known->stamps, unchanged)) return std::move(known->facts);

  LOOM_TRY(const catalog::Database database, search::open_search_database(options, path));
  Entry entry{.facts = {.snapshot = sched::snapshot_of(database, path), .bytes = database.bytes},
              .until = now + kGood,
              .stamps = {}};
  for (const catalog::Volume& volume : database.volumes) {
    std::filesystem::path file = volume.base.string() + catalog::extension(database.molecule, "in");
    std::error_code gone;  // then the stamp never fits
    const auto changed = std::filesystem::last_write_time(file, gone);
    entry.stamps.push_back({.file = std::move(file), .changed = changed});
  }
  const MutexLock lock(mutex_);
  if (entries_.size() >= kMost) entries_.clear();
  DatabaseFacts facts = entry.facts;
  entries_.insert_or_assign(key, std::move(entry));
  return facts;
}

}  // namespace loom::service
