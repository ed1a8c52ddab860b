#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>

#include "exec/process_runner.hpp"
#include "plan/planner.hpp"
#include "search/messages.hpp"
#include "search/query_file.hpp"
#include "search/settings.hpp"
#include "search/task_runner.hpp"

namespace loom::search {

/// One engine run of a split search. All scouts come before all searches, and a search may start when its
/// scouts are done; else steps are independent of each other.
struct Step {
  std::size_t search = 0;              ///< which of Plan::searches
  std::optional<std::size_t> shard{};  ///< set: a scout of this part of the database (from 0)
  int threads = 1;
  double seconds = 0;  ///< predicted CPU of the search
  std::uint64_t letters = 0;
  std::uint64_t first_query = 0;  ///< ordinal, from 0
  std::uint64_t queries = 0;
};

/// A search that was read and planned, cut into steps, whose outputs are put together to the bytes that one
/// unsplit run of the engine writes. Who runs the steps, when, and in how many processes is the caller's.
/// Thread-safety: run_step(), several at once, and beside write_output(). Blocking: on disk and processes.
class SplitSearch {
 public:
  /// Reads the queries and the database's index, and plans, unless an earlier plan is `pinned`. Nothing is
  /// searched and no output touched; `folder` (there, private to this search) gets what steps need.
  /// Preparing again in the same folder is harmless. `runner` is borrowed.
  /// Errors: invalid_argument, not_found (queries, database, engine), disk_full; corrupt when `pinned` does
  /// not fit the queries.
  static Result<std::unique_ptr<SplitSearch>> prepare(Request request, exec::ProcessRunner& runner,
                                                      const std::filesystem::path& folder,
                                                      std::optional<plan::Plan> pinned = {});
  virtual ~SplitSearch() = default;

  [[nodiscard]] virtual const Request& request() const = 0;
  [[nodiscard]] virtual const std::filesystem::path& engine() const = 0;
  [[nodiscard]] virtual const QueryFile& queries() const = 0;
  [[nodiscard]] virtual const plan::Workload& workload() const = 0;
  [[nodiscard]] virtual const plan::Plan& plan() const = 0;
  [[nodiscard]] virtual std::span<const Step> steps() const = 0;
  /// How many queries are answered by what earlier searches found.
  [[nodiscard]] virtual std::uint64_t known_queries() const = 0;
  /// The name under which `tasks` keeps a search's output.
  [[nodiscard]] static std::string search_name(std::size_t search);

  /// Runs one step; its output is kept by `tasks`, and a finished one is not run again.
  /// Errors: as TaskRunner::run, and of narrowing (corrupt).
  virtual Result<TaskUse> run_step(std::size_t index, TaskRunner& tasks, std::stop_token stop) = 0;

  /// Whether one run of the engine writes the output as it stands.
  [[nodiscard]] virtual bool one_text() const = 0;
  /// Then: that run, straight into the output, without step or task. The output is there if it succeeded.
  virtual Result<exec::ProcessOutcome> run_straight(Messages& messages, std::stop_token stop) = 0;

  /// Puts the outputs of the searches together, each after wait(search) says it is done. On failure an output
  /// file is as it was before. Unless `keep`, each task's files go once they are written.
  virtual Status write_output(const TaskRunner& tasks, bool keep,
                              const std::function<Status(std::size_t search)>& wait, Messages& messages) = 0;
};

}  // namespace loom::search
