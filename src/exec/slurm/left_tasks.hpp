#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "exec/process_runner.hpp"
#include "storage/object_store.hpp"

namespace loom::exec::slurm {

/// What an earlier server left in Slurm, and what became of it.
struct LeftTasks {
  std::size_t arrays = 0;            ///< that were not known to be over
  std::size_t ended = 0;             ///< elements that were cancelled
  std::optional<Error> untold = {};  ///< why Slurm could not be asked: elements may still run
};

/// For a server that runs no tasks in Slurm: withdraws the tasks of one that did, so that an element that
/// begins has nothing to do, and cancels the elements of jobs called `name`. Where Slurm cannot be asked the
/// arrays are found again by the next call. Errors: those of the store. Blocking: on the store, and on each
/// of two commands for ten seconds at most.
Result<LeftTasks> end_left_tasks(storage::ObjectStore& store, ProcessRunner& runner, const std::string& name,
                                 const std::filesystem::path& scratch);

}  // namespace loom::exec::slurm
