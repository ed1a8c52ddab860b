#include "service/database_add.hpp"

#include <algorithm>
#include <vector>

#include "base/folder.hpp"
#include "catalog/database.hpp"
#include "catalog/database_files.hpp"
#include "service/database_check.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;

/// What lies at `base`, whichever molecule it is of.
Result<catalog::Database> open_at(const fs::path& base) {
  const std::string quoted = '"' + base.string() + '"';
  const catalog::SearchPath here{{base.parent_path()}};
  auto protein = catalog::open_database(quoted, blast::Molecule::protein, here);
  if (protein || protein.error().code != Code::not_found) return protein;
  auto nucleotide = catalog::open_database(quoted, blast::Molecule::nucleotide, here);
  if (nucleotide || nucleotide.error().code != Code::not_found) return nucleotide;
  return error(Code::not_found, "{}: there is no BLAST database; name it without extension, as for -db",
               base.string());
}

/// Its files and what describes it; alias files of its volumes too.
Result<std::vector<fs::path>> files_at(const fs::path& base, const catalog::Database& database) {
  std::vector<fs::path> files;
  for (const auto& file : catalog::files_of(database)) files.push_back(file.path);
  const std::string start = base.filename().string() + ".";
  Status looked = for_entries(base.parent_path(), [&](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    const bool describes = std::ranges::any_of(std::vector{"al", "js", "tf"}, [&](const char* kind) {
      return name.ends_with(catalog::extension(database.molecule, kind));
    });
    if (name.starts_with(start) && describes) files.push_back(entry.path());
  });
  // A folder may let its files be opened and not be listed.
  if (!looked) {
    looked.error().message += "; the server must be allowed to list that folder";
    return looked.error();
  }
  std::error_code failed;
  const fs::path folder = fs::canonical(base.parent_path(), failed);
  if (failed) return system_error(failed.value(), base.parent_path().string());
  for (const fs::path& file : files)
    if (file.parent_path() != folder && file.parent_path() != base.parent_path())
      return error(Code::invalid_argument,
                   "{}: its alias file names what lies elsewhere ({}); bring all of it into one folder first",
                   base.string(), file.string());
  std::ranges::sort(files);
  const auto twice = std::ranges::unique(files, {}, [](const fs::path& one) { return one.filename(); });
  files.erase(twice.begin(), twice.end());
  return files;
}

Status copy(const std::vector<fs::path>& files, const fs::path& to, const std::stop_token& stop) {
  for (const fs::path& file : files) {
    if (stop.stop_requested()) return error(Code::cancelled, "it was cancelled");
    std::error_code failed;
    fs::copy_file(file, to / file.filename(), failed);
    if (failed) return system_error(failed.value(), file.string());
  }
  return ok();
}

}  // namespace

Result<catalog::Snapshot> add_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                       const fs::path& base, std::stop_token stop) {
  const std::string name = base.filename().string();
  LOOM_TRY(catalog::Staging staging, snapshots.begin(name));
  std::error_code failed;
  const fs::path from = fs::absolute(base, failed);
  if (failed) return system_error(failed.value(), base.string());
  LOOM_TRY(const catalog::Database database, open_at(from));
  LOOM_TRY(const auto files, files_at(from, database));
  const fs::path folder = staging.folder.path();
  LOOM_CHECKED(copy(files, folder, stop));
  LOOM_TRY(const std::string fault,
           check_database_files(runner, folder, name, database.molecule, std::move(stop)));
  if (!fault.empty()) return error(Code::corrupt, "{} does not pass its check: {}", base.string(), fault);
  return snapshots.publish(std::move(staging), {.database = name,
                                                .id = {},
                                                .folder = {},
                                                .molecule = database.molecule,
                                                .title = database.title,
                                                .created = {},
                                                .source = base.string(),
                                                .fingerprint = {},
                                                .verified = {},
                                                .fault = {}});
}

}  // namespace loom::service
