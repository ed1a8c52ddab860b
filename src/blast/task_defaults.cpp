#include "blast/task_defaults.hpp"

#include <array>

#include "blast/option_spec.hpp"

namespace loom::blast {
namespace {

constexpr std::array kMegablast{TaskDefault{"word_size", "28"}, TaskDefault{"reward", "1"},
                                TaskDefault{"penalty", "-2"},   TaskDefault{"gapopen", "0"},
                                TaskDefault{"gapextend", "0"},  TaskDefault{"window_size", "0"}};
constexpr std::array kBlastn{TaskDefault{"word_size", "11"}, TaskDefault{"reward", "2"},
                             TaskDefault{"penalty", "-3"},   TaskDefault{"gapopen", "5"},
                             TaskDefault{"gapextend", "2"},  TaskDefault{"window_size", "0"}};
constexpr std::array kBlastnShort{TaskDefault{"word_size", "7"}, TaskDefault{"reward", "1"},
                                  TaskDefault{"penalty", "-3"},  TaskDefault{"gapopen", "5"},
                                  TaskDefault{"gapextend", "2"}, TaskDefault{"window_size", "0"}};
constexpr std::array kDiscontiguous{
    TaskDefault{"word_size", "11"},         TaskDefault{"reward", "2"},
    TaskDefault{"penalty", "-3"},           TaskDefault{"gapopen", "5"},
    TaskDefault{"gapextend", "2"},          TaskDefault{"window_size", "40"},
    TaskDefault{"template_type", "coding"}, TaskDefault{"template_length", "18"}};
constexpr std::array kRepeats{TaskDefault{"word_size", "11"}, TaskDefault{"reward", "0"},
                              TaskDefault{"penalty", "0"},    TaskDefault{"gapopen", "5"},
                              TaskDefault{"gapextend", "2"},  TaskDefault{"window_size", "0"}};

constexpr std::array<TaskDefault, 6> proteins(std::string_view word, std::string_view threshold) {
  return {{{"word_size", word},
           {"matrix", "BLOSUM62"},
           {"gapopen", "11"},
           {"gapextend", "1"},
           {"threshold", threshold},
           {"window_size", "40"}}};
}
constexpr auto kBlastp = proteins("3", "11");
constexpr auto kBlastx = proteins("3", "12");
constexpr auto kTblastn = proteins("3", "13");
constexpr auto kFast = proteins("6", "21");
constexpr std::array kBlastpShort{TaskDefault{"word_size", "2"},  TaskDefault{"matrix", "PAM30"},
                                  TaskDefault{"gapopen", "9"},    TaskDefault{"gapextend", "1"},
                                  TaskDefault{"threshold", "16"}, TaskDefault{"window_size", "15"}};
constexpr std::array kTblastx{TaskDefault{"word_size", "3"}, TaskDefault{"matrix", "BLOSUM62"},
                              TaskDefault{"threshold", "13"}, TaskDefault{"window_size", "40"}};

struct Task {
  std::string_view name;
  std::span<const TaskDefault> defaults;
};
constexpr std::array kTasks{Task{"megablast", kMegablast},
                            Task{"blastn", kBlastn},
                            Task{"blastn-short", kBlastnShort},
                            Task{"dc-megablast", kDiscontiguous},
                            Task{"rmblastn", kRepeats},
                            Task{"blastp", kBlastp},
                            Task{"blastp-fast", kFast},
                            Task{"blastp-short", kBlastpShort},
                            Task{"blastx", kBlastx},
                            Task{"blastx-fast", kFast},
                            Task{"tblastn", kTblastn},
                            Task{"tblastn-fast", kFast},
                            Task{"tblastx", kTblastx},
                            Task{"psiblast", kBlastp}};

}  // namespace

std::vector<std::string_view> tasks_of(Program program) {
  const OptionSpec* task = find_option(program, "task");
  if (task == nullptr) return {name(program)};
  return {task->choices.begin(), task->choices.end()};
}

std::span<const TaskDefault> task_defaults(std::string_view task) {
  for (const Task& one : kTasks)
    if (one.name == task) return one.defaults;
  return {};
}

}  // namespace loom::blast
