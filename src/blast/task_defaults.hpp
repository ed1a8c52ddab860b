#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "blast/program.hpp"

namespace loom::blast {

/// What a task sets an option to when it is not given, where option_table() states no default. As the engine
/// has it: task_defaults_test.cpp asks the installed programs.
struct TaskDefault {
  std::string_view option;  ///< without the dash
  std::string_view value;
};

/// What -task of `program` takes; its own name if it has no such option.
std::vector<std::string_view> tasks_of(Program program);

/// Of one of tasks_of(); none for deltablast and the searches of profiles. With another matrix, BLAST+ takes
/// that matrix's gap costs, window and (but in the -fast tasks) threshold instead. Static data.
std::span<const TaskDefault> task_defaults(std::string_view task);

}  // namespace loom::blast
