#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exec/process_runner.hpp"
#include "storage/object_store.hpp"

namespace loom::exec::slurm {

/// A name made of what is to be done: the same program over the same bytes has the same one, in every run of
/// a server. 32 hexadecimal digits.
using TaskKey = std::string;

/// How a task ended on a node.
struct TaskEnd {
  ProcessOutcome outcome;           ///< without its stderr_text
  std::optional<Error> error = {};  ///< set: the program could not be run, and why
  std::string node;
  std::string attempt;                  ///< under whose name its files lie
  std::vector<std::string> files = {};  ///< that it made, by their names in Portable::makes
  std::string folder;                   ///< where it ran: what the program said may name it
};

/// Where a server and the workers on the nodes hand each other tasks: objects of a store that both reach.
///
///   slurm/tasks/KEY/spec             what to run, as JSON
///   slurm/tasks/KEY/in/N             the files that it reads
///   slurm/tasks/KEY/ATTEMPT/N        the files that it made; its stderr is N = "stderr"
///   slurm/done/KEY                   how it ended: put last, so what it names is there
///   slurm/arrays/TOKEN               the tasks of one array job: the key of element N in line N
///
/// Two attempts at one task may run at once (a node that was lost comes back): each writes under its own
/// name, and either's end is as good. Thread-safe. Blocking. Errors: those of the store; corrupt.
class Exchange {
 public:
  explicit Exchange(storage::ObjectStore& store) : store_(store) {}

  /// The key of `spec`, which is portable, after reading its files. Errors: those of reading;
  /// invalid_argument when an argument is not UTF-8.
  static Result<TaskKey> key_of(const ProcessSpec& spec);

  Status put_task(const TaskKey& key, const ProcessSpec& spec, Deadline deadline);
  /// A task as it is to be run in `folder`, with the files it reads written there. For a worker. Also:
  /// not_found when it was withdrawn.
  Result<ProcessSpec> fetch_task(const TaskKey& key, const std::filesystem::path& folder, Deadline deadline);
  /// The files that `spec` (of fetch_task) made, and how it ended.
  Status put_end(const TaskKey& key, const ProcessSpec& spec, TaskEnd end, Deadline deadline);
  Status remove_end(const TaskKey& key, Deadline deadline);
  /// nullopt: it has not ended.
  Result<std::optional<TaskEnd>> find_end(const TaskKey& key, Deadline deadline);
  /// Brings the files that the task made to where `spec` (as given to put_task) wants them, and its stderr.
  Result<ProcessOutcome> collect(const TaskKey& key, const ProcessSpec& spec, const TaskEnd& end,
                                 Deadline deadline);
  /// Removes all of a task.
  Status withdraw(const TaskKey& key, Deadline deadline);

  Status put_array(const std::string& token, const std::vector<TaskKey>& keys, Deadline deadline);
  Result<std::vector<TaskKey>> get_array(const std::string& token, Deadline deadline);
  Status remove_array(const std::string& token, Deadline deadline);

  /// What is there, of whatever server.
  Result<std::set<TaskKey>> ended(Deadline deadline);
  Result<std::set<TaskKey>> tasks(Deadline deadline);
  Result<std::vector<std::string>> arrays(Deadline deadline);

 private:
  Status fetch_file(const storage::ObjectKey& key, const std::filesystem::path& target, Deadline deadline);
  Result<std::set<std::string>> names_below(const std::string& prefix, Deadline deadline);

  storage::ObjectStore& store_;
};

}  // namespace loom::exec::slurm
