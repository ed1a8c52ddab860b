#pragma once
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "exec/process_runner.hpp"
#include "storage/object_store.hpp"

namespace loom::exec::slurm {

/// Which element of an array this is.
struct Element {
  std::string token;
  std::size_t index = 0;
  std::string node;  ///< the machine, for messages
};

enum class Worked { ran, nothing_to_do };

/// Does the work of one element on a node: takes the task of its array that this node does best
/// (affinity.hpp), fetches it to `folder` (private, empty), runs it by `runner`
/// and puts its end into the store. Nothing to do: all tasks are withdrawn, taken, or have ended in another
/// attempt.
/// `adapt` may change what is run, once it is fetched; why it could not goes into the end, and the task is
/// run as it is. How the program ended, or why it could not be run, is in the end that it puts, not in what
/// it returns. Errors: cancelled when `stop` was requested or the program was ended by a signal to stop, and
/// then the task has no end: Slurm's word decides what becomes of it; those of the store. Blocking.
Result<Worked> run_element(storage::ObjectStore& store, ProcessRunner& runner, const Element& element,
                           const std::filesystem::path& folder, const std::stop_token& stop,
                           const std::function<Status(ProcessSpec&)>& adapt = {});

}  // namespace loom::exec::slurm
