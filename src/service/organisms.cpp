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

constexpr std::size_t kMostKnown = 256;
constexpr std::size_t kMostOptionBytes = 100'000;  // Linux takes 128 KiB in one argument

std::vector<TaxId> taxids_in(const fs::path& file) {
  std::ifstream in(file);
  std::vector<TaxId> ids;
  for (std::string line; std::getline(in, line);) {
    TaxId id = 0;
    const auto [end, wrong] = std::from_chars(line.data(), line.data() + line.size(), id);
    if (wrong == std::errc{} && end == line.data() + line.size() && id != 0) ids.push_back(id);
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
  std::vector<TaxId> ids = taxids_in(folder.path() / "taxids");
  const MutexLock lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
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

}  // namespace loom::service
