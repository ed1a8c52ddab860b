#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exec/process_runner.hpp"

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
  std::optional<Error> not_staged =
      {};  ///< why it read the shared files of its database, not the node's copy
};

/// A task in an array job.
struct ArrayTask {
  TaskKey key;
  std::string part;  ///< what it mostly reads: equal for tasks that do well on one node; empty: nothing large

  friend bool operator==(const ArrayTask&, const ArrayTask&) = default;
};

/// An element that ended without a word, whose account Slurm has later.
struct LostElement {
  std::string token;
  std::size_t index = 0;
  std::string slurm_id;
  TaskKey key;         ///< of its task
  std::string folder;  ///< Portable::folder of that
  std::chrono::sys_seconds at{};

  friend bool operator==(const LostElement&, const LostElement&) = default;
};

// How they lie in an exchange, as text: JSON, but for the tasks of an array, which are lines. Errors of
// reading: corrupt.

/// Of a portable spec; with what BLAST+ reads from this process's environment, and its working folder.
std::string text_of(const ProcessSpec& spec);
/// As it is to be run in `folder`: every name of its own folder becomes that.
Result<ProcessSpec> parse_spec(std::string_view text, const std::filesystem::path& folder);

std::string text_of(const TaskEnd& end);
Result<TaskEnd> parse_end(std::string_view text);

std::string text_of(const std::vector<ArrayTask>& tasks);
/// `token` is the array's, for errors.
Result<std::vector<ArrayTask>> parse_tasks(std::string_view text, const std::string& token);

std::string text_of(const LostElement& lost);
Result<LostElement> parse_lost(std::string_view text);

/// Whether JSON can hold it.
bool is_utf8(std::string_view text);

/// `text` with the folder `to` wherever it names the folder `from`; as it is when that is empty.
std::string moved(std::string text, std::string_view from, std::string_view to);

}  // namespace loom::exec::slurm
