#include "app/database_stage.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "app/database_part.hpp"
#include "base/folder.hpp"
#include "catalog/database.hpp"

namespace loom::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = "unfinished";

/// A volume that lies in the working folder is taken whole from there, as soon as its index is: that comes
/// last, and first what all volumes share.
void put_in_order(std::vector<catalog::DatabaseFile>& files, const catalog::Database& database) {
  const auto rank = [&](const catalog::DatabaseFile& file) {
    const fs::path base = fs::path(file.path).replace_extension();
    const bool of_volume =
        std::ranges::any_of(database.volumes, [&](const catalog::Volume& one) { return one.base == base; });
    const bool index = file.path.extension() == catalog::extension(database.molecule, "in");
    return std::pair(index ? 2 : of_volume ? 1 : 0, file.path);
  };
  std::ranges::sort(files, {}, rank);
}

/// Of `files`, those that lie in no volume outside the part.
std::vector<catalog::DatabaseFile> files_of_part(const std::vector<catalog::DatabaseFile>& files,
                                                 const DatabasePart& part) {
  std::set<fs::path> outside;
  for (const catalog::Volume& volume : part.database.volumes)
    if (volume.first_oid >= part.range.end || volume.first_oid + volume.head().sequences <= part.range.begin)
      outside.insert(volume.base);
  std::vector<catalog::DatabaseFile> inside;
  for (const catalog::DatabaseFile& file : files)
    if (!outside.contains(fs::path(file.path).replace_extension())) inside.push_back(file);
  return inside;
}

/// Of `files`, those that are not in `target`.
std::vector<catalog::DatabaseFile> absent(std::vector<catalog::DatabaseFile> files, const fs::path& target) {
  std::erase_if(files, [&](const auto& file) { return fs::exists(target / file.path.filename()); });
  return files;
}

std::uint64_t bytes_below(const fs::path& folder) {
  std::uint64_t bytes = 0;
  static_cast<void>(for_entries(folder, [&](const fs::directory_entry& file) {
    std::error_code gone;
    const std::uintmax_t size = file.file_size(gone);
    if (!gone) bytes += size;
  }));
  return bytes;
}

}  // namespace

Result<Fd> DatabaseStage::lock(const fs::path& file, int how) const {
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!fd) return system_error(errno, "lock " + file.string());
  while (::flock(fd.get(), how) != 0)
    if (errno != EINTR) return system_error(errno, "lock " + file.string());
  return fd;
}

Result<Staged> DatabaseStage::use(exec::ProcessSpec& spec) {
  const auto read = part_of(spec);
  if (!read && read.error().code == Code::not_found) return Staged::none_wanted;
  if (!read) return read.error();
  const DatabasePart& part = *read;
  auto files = catalog::files_of(part.database);
  LOOM_TRY(const std::string key, files_key(files));
  put_in_order(files, part.database);
  LOOM_CHECKED(make_folders(folder_));
  const fs::path target = folder_ / key;
  LOOM_TRY(Fd reading, lock(folder_ / (key + ".lock"), LOCK_SH));
  const auto needed = files_of_part(files, part);
  if (!absent(needed, target).empty()) {
    if (part.few) return Staged::none_wanted;
    // What one reads is not removed, and what is not there is not read: so the order of the two locks does
    // not matter.
    LOOM_TRY(const Fd alone, lock(folder_ / "lock", LOCK_EX));
    LOOM_CHECKED(copy(absent(needed, target), target));
    LOOM_TRY(const std::string now, files_key(catalog::files_of(part.database)));
    if (now != key) return error(Code::conflict, "{} was replaced meanwhile", part.database.names);
  }
  std::error_code ignored;
  fs::last_write_time(folder_ / (key + ".lock"), fs::file_time_type::clock::now(), ignored);
  in_use_ = std::move(reading);
  spec.working_dir = target;
  return Staged::copy;
}

Status DatabaseStage::copy(const std::vector<catalog::DatabaseFile>& files, const fs::path& target) {
  std::uint64_t bytes = 0;
  for (const catalog::DatabaseFile& file : files) bytes += file.bytes;
  LOOM_CHECKED(make_room(bytes));
  const fs::path part = folder_ / kUnfinished;
  std::error_code failed;
  fs::remove_all(part, failed);
  if (failed) return system_error(failed.value(), "remove folder " + part.string());
  LOOM_CHECKED(make_folders(part));
  LOOM_CHECKED(make_folders(target));
  for (const catalog::DatabaseFile& file : files) {
    const fs::path made = part / file.path.filename();
    fs::copy_file(file.path, made, failed);
    if (failed) {
      std::error_code ignored;
      fs::remove_all(part, ignored);
      return system_error(failed.value(), "copy " + file.path.string());
    }
    LOOM_CHECKED(sync_path(made));
    fs::rename(made, target / file.path.filename(), failed);
    if (failed) return system_error(failed.value(), "make " + (target / file.path.filename()).string());
  }
  fs::remove_all(part, failed);
  return sync_path(target);
}

Status DatabaseStage::make_room(std::uint64_t bytes) const {
  std::multimap<fs::file_time_type, fs::path> copies;  // by their last use
  std::uint64_t taken = bytes;
  std::error_code ignored;
  static_cast<void>(for_entries(folder_, [&](const fs::directory_entry& one) {
    const fs::path used = one.path().string() + ".lock";
    if (!one.is_directory(ignored) || !fs::exists(used, ignored)) return;
    copies.emplace(fs::last_write_time(used, ignored), one.path());
    taken += bytes_below(one.path());
  }));
  for (const auto& [when, place] : copies) {
    if (taken <= max_bytes_) break;
    const auto unused = lock(place.string() + ".lock", LOCK_EX | LOCK_NB);
    if (!unused) continue;
    taken -= std::min(taken, bytes_below(place));
    // Half of a copy must never bear its name. Lock files stay: whoever waits for one must wait for the same.
    fs::remove_all(folder_ / kUnfinished, ignored);
    fs::rename(place, folder_ / kUnfinished, ignored);
    fs::remove_all(folder_ / kUnfinished, ignored);
  }
  if (taken <= max_bytes_) return ok();
  return error(Code::disk_full, "{}: no room for {} bytes within the {} allowed", folder_.string(), bytes,
               max_bytes_);
}

}  // namespace loom::app
