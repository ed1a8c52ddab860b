#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "blast/options.hpp"
#include "exec/process_runner.hpp"

namespace loom::service {

/// Whether BLAST+ takes a set of options. What no table tells (which gap costs go with a matrix, say) is
/// asked of the program itself, which searches one made-up sequence with them: a tenth of a second, once for
/// each set. Thread-safe. Blocking: a process the first time.
class OptionTrial {
 public:
  /// `runner` is borrowed; `scratch` is a folder for files that nobody sees.
  OptionTrial(exec::ProcessRunner& runner, std::filesystem::path scratch)
      : runner_(runner), scratch_(std::move(scratch)) {}

  /// Errors: invalid_argument, "option NAME: " and what BLAST+ says. An engine that cannot be run now refuses
  /// nothing: the search will tell.
  Status check(const blast::Options& options) EXCLUDES(mutex_);

 private:
  Result<exec::ProcessOutcome> try_out(blast::Program program, const std::vector<std::string>& argv);

  exec::ProcessRunner& runner_;
  const std::filesystem::path scratch_;
  Mutex mutex_;
  /// By the program's name and the arguments: why it refuses them, or nothing.
  std::map<std::vector<std::string>, std::string> known_ GUARDED_BY(mutex_);
};

}  // namespace loom::service
