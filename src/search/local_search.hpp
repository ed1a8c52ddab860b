#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "exec/process_runner.hpp"
#include "plan/planner.hpp"
#include "search/messages.hpp"
#include "search/settings.hpp"
#include "search/watch.hpp"

namespace loom::search {

/// One search on this machine: the queries are read, the plan made, the engine run task by task, and the
/// outputs put together to the bytes that one unsplit run of the engine writes. Thread-safety: one thread at
/// a time; run() uses threads of its own. Blocking: on disk and processes.
class LocalSearch {
 public:
  /// Reads the queries and the database's index, and plans. Nothing is searched and no output touched.
  /// `runner` is borrowed. Errors: invalid_argument, not_found (queries, database, engine), disk_full.
  static Result<std::unique_ptr<LocalSearch>> prepare(Request request, exec::ProcessRunner& runner);
  virtual ~LocalSearch() = default;

  [[nodiscard]] virtual const plan::Workload& workload() const = 0;
  [[nodiscard]] virtual const plan::Plan& plan() const = 0;

  /// Runs the plan. On success the output is complete; on failure an -out file is as it was before, and what
  /// went to standard output is a front part of the result. All children have ended and temporary files are
  /// gone, but for the --resume folder. Errors: what explain_failure says of the task that failed; cancelled
  /// after `stop`.
  virtual Status run(Watch& watch, Messages& messages, std::stop_token stop) = 0;

  /// After run() failed because of the engine: its exit code.
  [[nodiscard]] virtual std::optional<int> engine_exit_code() const = 0;
};

}  // namespace loom::search
