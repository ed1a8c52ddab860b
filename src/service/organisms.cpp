#include "service/organisms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "base/temp_dir.hpp"
#include "blast/engine.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;
using taxonomy::TaxId;

constexpr std::size_t kMostDatabases = 256;
constexpr std::size_t kMostTold = 5;
constexpr std::size_t kMostOptionBytes = 100'000;  // Linux takes 128 KiB in one argument

/// Ascending, each once, without 0; whatever else stands between numbers is passed over.
std::vector<TaxId> taxids_of(std::string_view text) {
  std::vector<TaxId> ids;
  while (!text.empty()) {
    TaxId id = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (wrong == std::errc{} && id > 0) ids.push_back(id);
    text.remove_prefix(std::max<std::size_t>(1, static_cast<std::size_t>(end - text.data())));
  }
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
  return ids;
}

Status check_alone(const SubmitRequest& request) {
  for (const auto& [name, value] : request.options)
    for (const std::string_view other : {"taxids", "negative_taxids", "taxidlist", "negative_taxidlist",
                                         "seqidlist", "negative_seqidlist", "gilist", "negative_gilist"})
      if (name == other)
        return error(Code::invalid_argument,
                     "organisms: not together with option {}, which chooses sequences too", name);
  return ok();
}

}  // namespace

fs::path taxonomy_file(const fs::path& data) {
  return data / "taxonomy.loomtax";
}

Result<std::shared_ptr<const taxonomy::Taxonomy>> Organisms::taxonomy() {
  std::error_code missing;
  const auto changed = fs::last_write_time(file_, missing);
  if (missing)
    return error(
        Code::not_found,
        "this server has no taxonomy yet; an admin imports NCBI's taxdump.tar.gz by 'blastloom db taxonomy "
        "FILE --data DIR'");
  const MutexLock lock(mutex_);
  if (open_ && opened_ == changed) return open_;
  LOOM_TRY(open_, taxonomy::Taxonomy::open(file_));
  opened_ = changed;
  return open_;
}

Result<std::vector<TaxId>> Organisms::taxids(const std::string& database, Deadline deadline) {
  LOOM_TRY(const std::string key, databases_.version_of(database));
  {
    const MutexLock lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
  }
  LOOM_TRY(const OpenDatabase opened, databases_.open(database));
  LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcmd"));
  LOOM_TRY(const TempDir folder, TempDir::create());
  exec::ProcessSpec spec;
  spec.argv = {tool.string(),
               "-db",
               opened.database.names,
               "-dbtype",
               opened.database.molecule == blast::Molecule::protein ? "prot" : "nucl",
               "-tax_info",
               "-outfmt",
               "%T"};
  if (!opened.folders.empty()) spec.environment = {"BLASTDB=" + opened.folders};
  spec.output = folder.path() / "taxids";
  LOOM_TRY(const exec::ProcessOutcome outcome, runner_.run(spec, deadline, {}));
  if (!outcome.succeeded())
    return error(Code::unavailable, "the taxids of {} cannot be read: {}", database,
                 outcome.stderr_text.substr(0, 500));
  std::ifstream told(folder.path() / "taxids");
  std::vector<TaxId> ids = taxids_of(std::string(std::istreambuf_iterator<char>(told), {}));
  const MutexLock lock(mutex_);
  if (known_.size() >= kMostDatabases) known_.clear();
  known_[key] = ids;
  return ids;
}

Status Organisms::settle(SubmitRequest& request, Deadline deadline) {
  if (request.organisms.empty() && request.organisms_not.empty()) return ok();
  LOOM_CHECKED(check_alone(request));
  LOOM_TRY(const auto tree, taxonomy());
  const bool chosen = !request.organisms.empty();
  const taxonomy::Selection selection = chosen ? tree->select(request.organisms, request.organisms_not)
                                               : tree->select(request.organisms_not, {});
  if (!selection.unknown.empty())
    return error(Code::invalid_argument, "organisms: the taxonomy has no taxid {}",
                 fmt::join(selection.unknown, ", "));
  LOOM_TRY(const std::vector<TaxId> there, taxids(request.database, deadline));
  std::vector<TaxId> wanted;
  std::ranges::set_intersection(selection.taxids, there, std::back_inserter(wanted));
  if (wanted.empty() && chosen)
    return error(Code::invalid_argument, "organisms: {} has no sequence of them{}", request.database,
                 there.empty() ? "; it was made without taxids" : "");
  const std::string list = fmt::format("{}", fmt::join(wanted, ","));
  if (list.size() > kMostOptionBytes)
    return error(
        Code::too_large,
        "organisms: they are {} taxids in {}, more than BLAST+ takes in an option; choose narrower ones",
        wanted.size(), request.database);
  if (!wanted.empty()) request.options.emplace_back(chosen ? "taxids" : "negative_taxids", list);
  request.organisms.clear();
  request.organisms_not.clear();
  return ok();
}

std::string Organisms::warning_of(const std::string& database, const blast::Options& options,
                                  Deadline deadline) {
  for (const char* name : {"taxids", "negative_taxids"}) {
    const auto* given = options.find(name);
    if (given == nullptr) continue;
    const auto there = taxids(database, deadline);
    if (!there) return {};
    const std::vector<TaxId> asked = taxids_of(given->text);
    std::vector<TaxId> missing;
    std::ranges::set_difference(asked, *there, std::back_inserter(missing));
    if (missing.empty()) return {};
    const std::size_t shown = std::min(missing.size(), kMostTold);
    return fmt::format("option {}: {} has no sequence of {}{}; {}", name, database,
                       fmt::join(missing.begin(), missing.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                       shown < missing.size() ? fmt::format(" and {} others", missing.size() - shown) : "",
                       missing.size() == asked.size()
                           ? "with none of them there, BLAST+ fails. It takes ids of species and below; "
                             "organisms takes all"
                           : "BLAST+ passes over them");
  }
  return {};
}

}  // namespace loom::service
