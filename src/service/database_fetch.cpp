#include "service/database_fetch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <atomic>
#include <fstream>

#include "base/sha256.hpp"
#include "catalog/database.hpp"
#include "service/database_check.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;
using catalog::Snapshot;

/// "https://…/db, 2024-01-01T00:00:00", or the time of the fetch if the mirror does not say.
std::string source_of(const FetchRequest& request, const mirror::RemoteDatabase& remote) {
  return remote.updated.empty() ? request.mirror : request.mirror + ", " + remote.updated;
}

/// The folder of a download that is begun: of this version of the database only, and this call's alone.
class Cache {
 public:
  static Result<Cache> open(const fs::path& root, const mirror::RemoteDatabase& remote) {
    Sha256 version;
    version.add(remote.updated);
    for (const std::string& file : remote.files) version.add(file);
    Cache cache;
    const fs::path of_name = root / ".downloads" / remote.name;
    cache.folder_ = of_name / version.hex().substr(0, 16);
    std::error_code failed;
    fs::create_directories(cache.folder_, failed);
    if (failed) return system_error(failed.value(), cache.folder_.string());
    cache.lock_ = Fd(::open((of_name / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!cache.lock_) return system_error(errno, (of_name / "lock").string());
    if (::flock(cache.lock_.get(), LOCK_EX | LOCK_NB) != 0)
      return error(Code::conflict, "{} is being fetched already", remote.name);
    // What cannot be removed costs only room.
    std::error_code kept;
    for (fs::directory_iterator entry(of_name, failed), end; !failed && entry != end; entry.increment(failed))
      if (entry->is_directory(kept) && entry->path() != cache.folder_) fs::remove_all(entry->path(), kept);
    return cache;
  }
  [[nodiscard]] const fs::path& folder() const { return folder_; }
  void remove() const {
    std::error_code ignored;
    fs::remove_all(folder_.parent_path(), ignored);
  }

 private:
  fs::path folder_;
  Fd lock_;
};

/// What the files say they are. Their names tell, if the mirror has not.
Result<blast::Molecule> molecule_in(const fs::path& folder, const std::string& name) {
  for (const auto& [molecule, first] :
       {std::pair{blast::Molecule::protein, 'p'}, {blast::Molecule::nucleotide, 'n'}})
    for (const char* ending : {"al", "in"})
      if (fs::exists(folder / fmt::format("{}.{}{}", name, first, ending))) return molecule;
  return error(Code::corrupt, "what the mirror has as {} holds no database of that name", name);
}

/// The database that came, if it is all there.
Result<catalog::Database> open_whole(const fs::path& folder, const mirror::RemoteDatabase& remote,
                                     blast::Molecule molecule) {
  auto database =
      catalog::open_database('"' + remote.name + '"', molecule, catalog::SearchPath::with(folder.string()));
  if (!database)
    return error(Code::corrupt, "what the mirror has as {} is not all of it: {}", remote.name,
                 database.error().message);
  if (remote.sequences == 0 || database->shown.sequences == remote.sequences) return database;
  return error(Code::corrupt,
               "{} has {} sequences, and the mirror says {}: it is being updated there; try again later",
               remote.name, database->shown.sequences, remote.sequences);
}

Status keep_metadata(const fs::path& folder, const mirror::RemoteDatabase& remote, blast::Molecule molecule) {
  const fs::path path = folder / (remote.name + catalog::extension(molecule, "js"));
  if (remote.metadata.empty() || fs::exists(path)) return ok();
  std::ofstream file(path);
  file << remote.metadata << '\n';
  file.close();
  return file ? ok() : Status(error(Code::disk_full, "cannot write {}", path.string()));
}

}  // namespace

Result<FetchedDatabase> fetch_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                       const FetchRequest& request, const FetchProgress& progress,
                                       std::stop_token stop) {
  LOOM_CHECKED(catalog::check_database_name(request.name));
  mirror::FetchOptions options;
  options.parallel = request.parallel;
  options.download.stop = stop;
  LOOM_TRY(const auto remote, mirror::find_database(request.mirror, request.name, options.download));
  const std::string source = source_of(request, remote);
  if (auto current = snapshots.current(request.name); current && current->source == source &&
                                                      !remote.updated.empty() && current->fault.empty() &&
                                                      !request.anew)
    return FetchedDatabase{.snapshot = *std::move(current), .is_new = false};
  LOOM_TRY(catalog::Staging staging, snapshots.begin(request.name));
  const fs::path folder = staging.folder.path();
  LOOM_TRY(const Cache cache, Cache::open(snapshots.root(), remote));
  std::uint64_t done = 0;
  if (progress)
    options.download.got = [&done, &progress, total = remote.bytes](std::uint64_t more) {
      done += more;
      progress(done, total);
    };
  LOOM_CHECKED(mirror::fetch_files(remote, cache.folder(), folder, options));
  LOOM_TRY(const blast::Molecule molecule, molecule_in(folder, request.name));
  LOOM_TRY(const catalog::Database database, open_whole(folder, remote, molecule));
  LOOM_TRY(const std::string fault, check_database_files(runner, folder, request.name, molecule, stop));
  if (!fault.empty())
    return error(Code::corrupt, "what the mirror has as {} does not pass its check: {}", request.name, fault);
  LOOM_CHECKED(keep_metadata(folder, remote, molecule));
  LOOM_TRY(Snapshot made, snapshots.publish(std::move(staging), {.database = request.name,
                                                                 .id = {},
                                                                 .folder = {},
                                                                 .molecule = molecule,
                                                                 .title = database.title,
                                                                 .created = {},
                                                                 .source = source,
                                                                 .fingerprint = {},
                                                                 .verified = {},
                                                                 .fault = {}}));
  cache.remove();
  return FetchedDatabase{.snapshot = std::move(made)};
}

}  // namespace loom::service
