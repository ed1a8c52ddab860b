#pragma once
#include <string>
#include <utility>
#include <vector>

#include "exec/process_runner.hpp"

namespace loom::exec {

/// Another runner, with some "NAME=value" in the environment of all it runs. What a spec sets itself counts
/// more. Thread-safety and blocking: as the other's.
class EnvironmentRunner final : public ProcessRunner {
 public:
  /// `runner` is borrowed.
  EnvironmentRunner(ProcessRunner& runner, std::vector<std::string> environment)
      : runner_(runner), environment_(std::move(environment)) {}

  Result<ProcessOutcome> run(const ProcessSpec& spec, Deadline deadline, std::stop_token stop) override {
    ProcessSpec wider = spec;
    // Of two with one name the first is found.
    wider.environment.insert(wider.environment.end(), environment_.begin(), environment_.end());
    return runner_.run(wider, deadline, std::move(stop));
  }

 private:
  ProcessRunner& runner_;
  std::vector<std::string> environment_;
};

}  // namespace loom::exec
