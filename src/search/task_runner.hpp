#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "exec/failure.hpp"
#include "exec/process_runner.hpp"
#include "search/watch.hpp"

namespace loom::search {

/// One engine run whose output is kept as files in a folder of its own.
struct EngineTask {
  std::string name;                      ///< of its folder, and for messages: "task 3"
  std::vector<std::string> argv;         ///< without -query and -out, which are added
  std::vector<std::string> environment;  ///< "NAME=value"
  std::function<Status(const std::filesystem::path&)> write_queries;  ///< makes the query file at the path
  bool takes_queries = true;                                          ///< false: no -query
  std::filesystem::path working_dir;                                  ///< empty: ours
  int threads = 1;                                                    ///< that its argv asks for
  std::uint64_t letters = 0;                                          ///< for the Watch
  std::string database = {};      ///< the user's -db, which messages name in place of an alias of ours
  std::uint64_t first_query = 0;  ///< of its queries, before it in the whole set; for messages of a failure
  std::uint64_t first_line = 1;   ///< of the query file, on which they begin; likewise
  /// What it reads of the work folder beside its queries, relative to that: a run on another machine gets
  /// them.
  std::vector<std::filesystem::path> reads = {};
};

/// What a task took; all 0 for one that was found finished.
struct TaskUse {
  Duration cpu{};
  Duration wall{};
  std::uint64_t peak_bytes = 0;  ///< 0: unknown
  std::string note{};            ///< as exec::ProcessOutcome::note
};

/// Whether the output of a finished task outlives a loss of power.
enum class Durable : bool { no, yes };

/// Runs engine tasks in folders under `work`, each of which appears whole when its task is done: a folder
/// that is there is finished work, which is what makes --resume safe. A task lost to a signal is tried again.
/// Two attempts at one task, by whatever runners of this process, may run at once: neither disturbs the
/// other, and the output of the first that is done is kept.
/// Thread-safety: run(), from several threads at once. Blocking: on processes.
class TaskRunner {
 public:
  /// A task lost to a signal is tried `tries` times in all.
  TaskRunner(exec::ProcessRunner& runner, std::filesystem::path work, Watch& watch,
             Durable durable = Durable::no, int tries = 3)
      : runner_(runner), work_(std::move(work)), watch_(watch), durable_(durable), tries_(tries) {}

  /// Errors: the engine's failure as one sentence (failure() has more); cancelled.
  Result<TaskUse> run(const EngineTask& task, std::stop_token stop);

  /// Where a finished task's output and what it said on stderr lie.
  [[nodiscard]] std::filesystem::path output(const std::string& name) const { return work_ / name / "out"; }
  [[nodiscard]] std::filesystem::path stderr_file(const std::string& name) const {
    return work_ / name / "stderr";
  }
  [[nodiscard]] bool finished(const std::string& name) const { return std::filesystem::exists(work_ / name); }
  [[nodiscard]] bool durable() const { return durable_ == Durable::yes; }
  void discard(const std::string& name) const;

  /// The exit code of the engine run that failed first.
  [[nodiscard]] std::optional<int> failed_exit_code() const;
  /// Of the task that failed first, if it was the engine's run that failed.
  [[nodiscard]] std::optional<exec::Failure> failure() const;

 private:
  Result<TaskUse> run_in(const std::filesystem::path& folder, const EngineTask& task,
                         const std::string& program, std::stop_token stop);
  Result<exec::ProcessOutcome> attempt(const EngineTask& task, const std::filesystem::path& folder,
                                       std::stop_token stop);
  Status keep(const EngineTask& task, const std::filesystem::path& folder,
              const exec::ProcessOutcome& outcome);

  exec::ProcessRunner& runner_;
  std::filesystem::path work_;
  Watch& watch_;
  Durable durable_;
  int tries_;
  mutable Mutex mutex_;  // also serializes calls of watch_
  std::optional<int> failed_exit_code_ GUARDED_BY(mutex_);
  std::optional<exec::Failure> failure_ GUARDED_BY(mutex_);
};

/// Makes and empties a folder. Errors: those of the file system.
Status make_empty_folder(const std::filesystem::path& folder);

/// Writes `text` to a new file. For small files of the work folder; not synced.
Status write_file(const std::filesystem::path& path, std::string_view text);
/// All of a file, which is a small one of the work folder.
Result<std::string> read_file(const std::filesystem::path& path);
/// What a task said on stderr, of that the last 16 MiB.
Result<std::string> read_said(const std::filesystem::path& path);
/// `text` with names below `folder` given from there on: "folder/a/b" is "a/b".
std::string named_from(const std::filesystem::path& folder, std::string text);

}  // namespace loom::search
