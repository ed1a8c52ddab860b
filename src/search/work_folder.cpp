#include "search/work_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/folder.hpp"
#include "search/engine_args.hpp"
#include "search/task_runner.hpp"

namespace loom::search {

namespace fs = std::filesystem;

namespace {
constexpr const char* kName = "search";
/// All that we put into a --resume folder is in this one below it, so that nothing else there is ever
/// touched.
constexpr const char* kFolder = "blastloom-work";
/// There if the --resume folder was not, and so is to go when its search is done.
constexpr const char* kOurs = "folder-made";

/// What must be equal for finished tasks to be of use again: the engine, the options, the queries, the cuts.
std::string description(const Request& request, const fs::path& engine, const QueryFile& queries,
                        const plan::Plan& plan) {
  std::error_code ignored;
  std::string text = fmt::format("engine {} {}\nsearch {}\n", engine.string(), fs::file_size(engine, ignored),
                                 command_line(request.options.program(), request.options));
  const bool spooled = queries.path.filename() == "queries.fasta";
  const auto changed = fs::last_write_time(queries.path, ignored).time_since_epoch().count();
  text += fmt::format("queries {} records, {} letters, {}\n", queries.map.records, queries.map.letters,
                      spooled ? 0 : changed);
  text += fmt::format("shards {}\n", plan.shards);
  for (const plan::Task& task : plan.searches)
    text += fmt::format("task {} {}\n", task.first_unit, task.last_unit);
  return text;
}
}  // namespace

Result<WorkFolder> WorkFolder::open(const fs::path& resume) {
  WorkFolder folder;
  if (resume.empty()) {
    LOOM_TRY(TempDir temporary, TempDir::create());
    folder.path_ = temporary.path();
    folder.temporary_ = std::move(temporary);
    return folder;
  }
  folder.path_ = fs::absolute(resume) / kFolder;
  std::error_code unknown;
  const bool new_folder = !fs::exists(resume, unknown);
  if (const Status made = make_folders(folder.path_); !made) return made.error().at("--resume");
  folder.lock_ = Fd(::open((folder.path_ / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!folder.lock_) return system_error(errno, "--resume: lock " + resume.string());
  if (::flock(folder.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return error(Code::conflict, "--resume: another search is using {}; wait for it, or give another folder",
                 resume.string());
  }
  if (new_folder) LOOM_CHECKED(write_file(folder.path_ / kOurs, ""));
  return folder;
}

Status WorkFolder::begin(const Request& request, const fs::path& engine, const QueryFile& queries,
                         const plan::Plan& plan) {
  if (!resumable()) return ok();
  const std::string wanted = description(request, engine, queries, plan);
  const fs::path file = path_ / kName;
  if (!fs::exists(file)) return write_file(file, wanted);
  LOOM_TRY(const std::string found, read_file(file));
  if (found == wanted) return ok();
  return error(
      Code::conflict,
      "--resume: {} holds the work of another search (other options, queries, engine or number of workers). "
      "Give another folder, or remove this one.",
      path_.string());
}

Status WorkFolder::finish() {
  if (!resumable()) return ok();
  std::error_code failed;
  const bool ours = fs::exists(path_ / kOurs, failed);
  fs::remove_all(path_, failed);
  if (failed) return system_error(failed.value(), "remove " + path_.string());
  if (ours) ::rmdir(path_.parent_path().c_str());  // goes only if nothing else is in it
  return ok();
}

}  // namespace loom::search
