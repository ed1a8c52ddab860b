#include "search/task_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/replace.hpp>
#include <cerrno>
#include <fstream>
#include <limits>
#include <set>
#include <system_error>

#include "base/folder.hpp"
#include "exec/failure.hpp"
#include "render/part_text.hpp"
#include "search/messages.hpp"

namespace loom::search {

namespace fs = std::filesystem;

Status make_empty_folder(const fs::path& folder) {
  std::error_code failed;
  fs::remove_all(folder, failed);
  if (failed) return system_error(failed.value(), "remove folder " + folder.string());
  return make_folders(folder);
}

Status write_file(const fs::path& path, std::string_view text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) return system_error(errno == 0 ? EIO : errno, "write " + path.string());
  return ok();
}

Result<std::string> read_file(const fs::path& path) {
  return render::tail_of(path, std::numeric_limits<std::uint64_t>::max());
}

Result<std::string> read_said(const fs::path& path) {
  return render::tail_of(path, std::uint64_t{16} << 20U);
}

std::string named_from(const fs::path& folder, std::string text) {
  boost::replace_all(text, folder.string() + "/", "");
  return text;
}

void TaskRunner::discard(const std::string& name) const {
  std::error_code ignored;
  fs::remove_all(work_ / name, ignored);
}

std::optional<int> TaskRunner::failed_exit_code() const {
  const MutexLock lock(mutex_);
  return failed_exit_code_;
}

std::optional<exec::Failure> TaskRunner::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

namespace {

/// The last lines of what a program said, without the path of the work folder.
std::string end_of(std::string text, const fs::path& work) {
  if (text.size() > exec::kMostSaidBytes) {
    text.erase(0, text.size() - exec::kMostSaidBytes);
    text.erase(0, text.find('\n') + 1);
  }
  return named_from(work, std::move(text));
}

/// `said` by an engine over an alias of ours, as it would be said of the user's database.
std::string with_database(const EngineTask& task, std::string said) {
  const auto flag = std::ranges::find(task.argv, "-db");
  if (task.database.empty() || flag == task.argv.end() || flag + 1 == task.argv.end()) return said;
  const std::string& alias = flag[1];
  return alias == task.database ? said : boost::replace_all_copy(said, alias, task.database);
}

/// Names the folder of an attempt at a task, while that is under way. A job that was cancelled and is tried
/// again may still have its old attempt running, so a name is given out once at a time in this process, whose
/// work folders no other uses. It is the lowest that is free: what the next server runs has the name that
/// this one's had, by which its task in Slurm is found again (exec/slurm/exchange.hpp). What a killed process
/// left under one goes with the first attempt that gets it, or with the work folder.
class Attempt {
 public:
  Attempt(const fs::path& work, const std::string& task) {
    Taken& all = taken();
    const MutexLock lock(all.mutex);
    folder_ = work / (task + ".unfinished");
    for (int number = 2; !all.folders.insert(folder_).second; ++number)
      folder_ = work / fmt::format("{}.unfinished-{}", task, number);
  }
  ~Attempt() {
    Taken& all = taken();
    const MutexLock lock(all.mutex);
    all.folders.erase(folder_);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  [[nodiscard]] const fs::path& folder() const { return folder_; }

 private:
  struct Taken {
    Mutex mutex;
    std::set<fs::path> folders GUARDED_BY(mutex);
  };
  static Taken& taken() {
    static Taken all;
    return all;
  }
  fs::path folder_;
};

}  // namespace

Result<exec::ProcessOutcome> TaskRunner::attempt(const EngineTask& task, const fs::path& folder,
                                                 std::stop_token stop) {
  LOOM_CHECKED(make_empty_folder(folder));
  exec::Portable portable{
      .folder = work_, .reads = task.reads, .makes = folder.filename(), .threads = task.threads};
  exec::ProcessSpec spec;
  spec.argv = task.argv;
  spec.argv.insert(spec.argv.end(), {"-out", (folder / "out").string()});
  if (task.takes_queries) {
    const fs::path queries = folder / "queries.fasta";
    LOOM_CHECKED(task.write_queries(queries));
    spec.argv.insert(spec.argv.end(), {"-query", queries.string()});
    portable.reads.push_back(folder.filename() / "queries.fasta");
  }
  if (work_.is_absolute()) spec.portable = std::move(portable);
  spec.environment = task.environment;
  spec.working_dir = task.working_dir;
  spec.temp_dir = folder;
  return runner_.run(spec, Deadline::never(), std::move(stop));
}

Status TaskRunner::keep(const EngineTask& task, const fs::path& folder, const exec::ProcessOutcome& outcome) {
  LOOM_CHECKED(write_file(folder / "stderr", outcome.stderr_text));
  std::error_code failed;
  fs::remove(folder / "queries.fasta", failed);
  if (durable()) LOOM_CHECKED(sync_all(folder));
  fs::rename(folder, work_ / task.name, failed);
  if (failed && finished(task.name)) {
    // Another attempt was done first, and its output is as good.
    fs::remove_all(folder, failed);
    failed.clear();
  }
  if (failed) return system_error(failed.value(), "keep the output of " + task.name);
  if (durable()) LOOM_CHECKED(sync_path(work_));
  const MutexLock lock(mutex_);
  watch_.task_done(task.letters, seconds_of(outcome.cpu));
  return ok();
}

Result<TaskUse> TaskRunner::run(const EngineTask& task, std::stop_token stop) {
  if (finished(task.name)) return TaskUse{};
  const std::string program = fs::path(task.argv.front()).filename().string();
  const Attempt own(work_, task.name);
  auto done = run_in(own.folder(), task, program, stop);
  if (!done) {
    // What it left is of no use, and its room may be needed.
    std::error_code ignored;
    fs::remove_all(own.folder(), ignored);
  }
  return done;
}

Result<TaskUse> TaskRunner::run_in(const fs::path& folder, const EngineTask& task, const std::string& program,
                                   std::stop_token stop) {
  for (int tries = 1;; ++tries) {
    auto outcome = attempt(task, folder, stop);
    if (outcome) outcome->stderr_text = with_database(task, std::move(outcome->stderr_text));
    if (outcome && outcome->succeeded()) {
      LOOM_CHECKED(keep(task, folder, *outcome));
      return TaskUse{outcome->cpu, outcome->wall, outcome->peak_rss_bytes.value_or(0), outcome->note};
    }
    if (!outcome && (outcome.error().code == Code::cancelled || outcome.error().code == Code::disk_full)) {
      return outcome.error();
    }
    if (outcome) outcome->stderr_text = true_numbers(outcome->stderr_text, task.first_query, task.first_line);
    exec::Failure failure =
        outcome ? exec::explain_failure(*outcome, program) : exec::explain_failure(outcome.error(), program);
    if (outcome && !outcome->note.empty()) failure.sentence += " " + outcome->note;
    if (outcome) failure.said = end_of(outcome->stderr_text, work_);
    const MutexLock lock(mutex_);
    if (failure.retryable && tries < tries_) {
      watch_.retried(fmt::format("{}, try {}: {}", task.name, tries, failure.sentence));
      continue;
    }
    if (!failure_) failure_ = failure;
    if (!failed_exit_code_ && outcome && outcome->signal == 0) failed_exit_code_ = outcome->exit_code;
    const Code code = outcome ? Code::unavailable : outcome.error().code;
    return error(code, "{}", failure.sentence);
  }
}

}  // namespace loom::search
