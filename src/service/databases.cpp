#include "service/databases.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "blast/program.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/database.hpp"
#include "catalog/search_path.hpp"

namespace loom::service {

namespace fs = std::filesystem;

namespace {

constexpr int kKeptVersion = 5;

/// "nt.00" is a volume of "nt".
bool volume_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot != std::string::npos && dot > 0 && dot + 1 < name.size() &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1, name.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

/// As one name in the text of -db, whatever stands in it.
std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

void look_into(const fs::path& folder, std::map<std::string, blast::Molecule>& found) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const std::string extension = entry.path().extension().string();
    const std::string name = entry.path().stem().string();
    const bool protein = extension == ".pin" || extension == ".pal";
    if (!protein && extension != ".nin" && extension != ".nal") continue;
    if ((extension == ".pin" || extension == ".nin") && volume_name(name)) {
      fs::path alias = entry.path();
      alias.replace_filename(name.substr(0, name.rfind('.')) + (protein ? ".pal" : ".nal"));
      if (fs::exists(alias, failed)) continue;
    }
    found.emplace(name, protein ? blast::Molecule::protein : blast::Molecule::nucleotide);
  }
}

}  // namespace

Result<std::vector<DatabaseInfo>> DatabaseList::get() {
  bool first = false;
  {
    const MutexLock lock(mutex_);
    first = !known_;
  }
  if (first) LOOM_CHECKED(rescan());
  std::vector<DatabaseInfo> all = kept_now();
  const std::size_t kept = all.size();
  const MutexLock lock(mutex_);
  for (const DatabaseInfo& one : *known_)
    if (std::none_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept),
                     [&](const DatabaseInfo& other) { return other.name == one.name; }))
      all.push_back(one);
  std::ranges::sort(all, {}, &DatabaseInfo::name);
  return all;
}

std::vector<DatabaseInfo> DatabaseList::kept_now() const {
  std::vector<DatabaseInfo> list;
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
                    .fault = one.fault});
  }
  return list;
}

std::string DatabaseList::path_of(std::string_view names) const {
  std::string path;
  for (const std::string& name : catalog::split_names(names)) {
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
  const auto path = catalog::SearchPath::from_environment();
  std::map<std::string, blast::Molecule> found;
  for (const fs::path& folder : path.folders) look_into(folder, found);
  std::vector<DatabaseInfo> list;
  for (const auto& [name, molecule] : found) {
    const auto database = catalog::open_database(quoted(name), molecule, path);
    if (!database) continue;  // what cannot be opened cannot be searched
    list.push_back({.name = name,
                    .title = database->title,
                    .molecule = molecule == blast::Molecule::protein ? "protein" : "nucleotide",
                    .sequences = database->shown.sequences,
                    .letters = database->shown.letters,
                    .bytes = database->bytes,
                    .date = database->date,
                    .version = static_cast<int>(database->version)});
  }
  const MutexLock lock(mutex_);
  known_ = std::move(list);
  return known_->size();  // beside those it keeps
}

}  // namespace loom::service
