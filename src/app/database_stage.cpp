#include "app/database_stage.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "blast/program.hpp"
#include "catalog/database.hpp"

namespace loom::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = "unfinished";

/// The databases that `spec` names.
Result<catalog::Database> database_of(const exec::ProcessSpec& spec) {
  const auto flag = std::ranges::find(spec.argv, "-db");
  if (flag == spec.argv.end() || flag + 1 == spec.argv.end())
    return error(Code::not_found, "it searches no database");
  LOOM_TRY(const auto program, blast::parse_program(fs::path(spec.argv.front()).filename().string()));
  const bool profiles = program == blast::Program::rpsblast || program == blast::Program::rpstblastn ||
                        program == blast::Program::deltablast;
  if (profiles) return error(Code::not_found, "databases of profiles are not copied");
  const auto molecule = blast::database_kind(program) == blast::DatabaseKind::nucleotide
                            ? blast::Molecule::nucleotide
                            : blast::Molecule::protein;
  constexpr std::string_view kPath = "BLASTDB=";
  const auto path =
      std::ranges::find_if(spec.environment, [&](const auto& one) { return one.starts_with(kPath); });
  return catalog::open_database(
      *(flag + 1), molecule,
      catalog::SearchPath::with(path == spec.environment.end()
                                    ? std::string_view()
                                    : std::string_view(*path).substr(kPath.size())));
}

/// What a copy is known by: it is another one when a file was replaced. Errors: those of stat;
/// invalid_argument when two files have one name.
Result<std::string> key_of(const std::vector<catalog::DatabaseFile>& files) {
  std::string text;
  std::set<fs::path> names;
  for (const catalog::DatabaseFile& file : files) {
    struct stat found{};
    if (::stat(file.path.c_str(), &found) != 0) return system_error(errno, file.path.string());
    text += fmt::format("{} {} {}.{}\n", file.path.string(), found.st_size, found.st_mtim.tv_sec,
                        found.st_mtim.tv_nsec);
    if (!names.insert(file.path.filename()).second)
      return error(Code::invalid_argument, "two of its files are called {}", file.path.filename().string());
  }
  return fmt::format("{:016x}{:016x}", std::hash<std::string>{}(text),
                     std::hash<std::string>{}("loom\n" + text));
}

Status sync(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_error(errno, "sync " + path.string());
  return ok();
}

std::uint64_t bytes_below(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(folder, ignored)) bytes += file.file_size(ignored);
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

Status DatabaseStage::use(exec::ProcessSpec& spec) {
  LOOM_TRY(const catalog::Database database, database_of(spec));
  const auto files = catalog::files_of(database);
  LOOM_TRY(const std::string key, key_of(files));
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return system_error(failed.value(), "make folder " + folder_.string());
  const fs::path target = folder_ / key;
  LOOM_TRY(Fd reading, lock(folder_ / (key + ".lock"), LOCK_SH));
  if (!fs::exists(target)) {
    // What one reads is not removed, and what is not there is not read: so the order of the two locks does
    // not matter.
    LOOM_TRY(const Fd alone, lock(folder_ / "lock", LOCK_EX));
    if (!fs::exists(target)) LOOM_CHECKED(copy(files, target));
    LOOM_TRY(const std::string now, key_of(files));
    if (now != key) return error(Code::conflict, "{} was replaced meanwhile", database.names);
  }
  fs::last_write_time(folder_ / (key + ".lock"), fs::file_time_type::clock::now(), failed);
  in_use_ = std::move(reading);
  spec.working_dir = target;
  return ok();
}

Status DatabaseStage::copy(const std::vector<catalog::DatabaseFile>& files, const fs::path& target) {
  std::uint64_t bytes = 0;
  for (const catalog::DatabaseFile& file : files) bytes += file.bytes;
  LOOM_CHECKED(make_room(bytes));
  const fs::path part = folder_ / kUnfinished;
  std::error_code failed;
  fs::remove_all(part, failed);
  fs::create_directories(part, failed);
  if (failed) return system_error(failed.value(), "make folder " + part.string());
  for (const catalog::DatabaseFile& file : files) {
    const fs::path made = part / file.path.filename();
    fs::copy_file(file.path, made, failed);
    if (failed) {
      std::error_code ignored;
      fs::remove_all(part, ignored);
      return system_error(failed.value(), "copy " + file.path.string());
    }
    LOOM_CHECKED(sync(made));
  }
  LOOM_CHECKED(sync(part));
  fs::rename(part, target, failed);
  if (failed) return system_error(failed.value(), "make " + target.string());
  return ok();
}

Status DatabaseStage::make_room(std::uint64_t bytes) const {
  std::multimap<fs::file_time_type, fs::path> copies;  // by their last use
  std::uint64_t taken = bytes;
  std::error_code ignored;
  for (const auto& one : fs::directory_iterator(folder_, ignored)) {
    const fs::path used = one.path().string() + ".lock";
    if (!one.is_directory() || !fs::exists(used)) continue;
    copies.emplace(fs::last_write_time(used, ignored), one.path());
    taken += bytes_below(one.path());
  }
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
