#pragma once
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exec/process_runner.hpp"
#include "exec/slurm/records.hpp"
#include "storage/object_store.hpp"

namespace loom::exec::slurm {

/// An element that has taken a task, by their numbers in the array.
struct Claim {
  std::size_t line = 0;     ///< of the task
  std::size_t element = 0;  ///< that runs it

  friend bool operator==(const Claim&, const Claim&) = default;
};

enum class Claimed { ours, anothers };

/// Parts, and the nodes that read them lately.
using WarmParts = std::set<std::pair<std::string, std::string>>;

/// Where a server and the workers on the nodes hand each other tasks: objects of a store that both reach.
///
///   slurm/tasks/KEY/spec             what to run, as JSON
///   slurm/tasks/KEY/in/N             the files that it reads
///   slurm/tasks/KEY/ATTEMPT/N        the files that it made; its stderr is N = "stderr"
///   slurm/done/KEY                   how it ended: put last, so what it names is there
///   slurm/arrays/TOKEN/tasks         the tasks of one array job, one a line: its key, a blank, its part
///   slurm/arrays/TOKEN/claims/N.E    element E runs the task in line N
///   slurm/warm/PART/NODE             a task on NODE read PART
///   slurm/lost/TOKEN.E               element E ended without a word, and its account is still to come, as
///   JSON
///
/// Where all tasks of an array read the same part, element N runs line N and claims nothing. Else each
/// element that begins claims the line that its node does best (affinity.hpp).
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

  Status put_array(const std::string& token, const std::vector<ArrayTask>& tasks, Deadline deadline);
  Result<std::vector<ArrayTask>> get_array(const std::string& token, Deadline deadline);
  /// Its claims too.
  Status remove_array(const std::string& token, Deadline deadline);

  /// Another's when another element has claimed that line, or does so at this moment: then neither may have
  /// it. Never ours for two, but by force.
  Result<Claimed> claim(const std::string& token, Claim claim, bool by_force, Deadline deadline);
  Status give_up(const std::string& token, Claim claim, Deadline deadline);
  Result<std::vector<Claim>> claims(const std::string& token, Deadline deadline);

  Status note_warm(const std::string& part, const std::string& node, Deadline deadline);
  Result<WarmParts> warm(Deadline deadline);
  /// Forgets which parts are warm.
  Status forget_warm(Deadline deadline);

  Status put_lost(const LostElement& lost, Deadline deadline);
  /// At most `most` behind `after` ("" is the first), by name_of().
  Result<std::vector<LostElement>> lost(const std::string& after, std::size_t most, Deadline deadline);
  Status remove_lost(const LostElement& lost, Deadline deadline);
  static std::string name_of(const LostElement& lost) { return fmt::format("{}.{}", lost.token, lost.index); }

  /// What is there, of whatever server.
  Result<std::set<TaskKey>> ended(Deadline deadline);
  Result<std::set<TaskKey>> tasks(Deadline deadline);
  Result<std::vector<std::string>> arrays(Deadline deadline);

 private:
  Status fetch_file(const storage::ObjectKey& key, const std::filesystem::path& target, Deadline deadline);
  Status remove_below(const std::string& prefix, Deadline deadline);
  Result<std::set<std::string>> keys_below(const std::string& prefix, Deadline deadline);
  Result<std::set<std::string>> names_below(const std::string& prefix, Deadline deadline);

  storage::ObjectStore& store_;
};

}  // namespace loom::exec::slurm
