#pragma once
#include <chrono>

#include "exec/process_runner.hpp"

namespace loom::exec {

/// Runs programs on this machine (Linux 5.3 or later).
/// A child dies with us, kill -9 included: it asks the kernel for SIGKILL at the end of the thread that
/// started it (PR_SET_PDEATHSIG), and that thread is run()'s caller, which stays in run() until the child has
/// been waited for. Limits set on every child: no core file; those of the spec. Signals have their default
/// meaning in the child.
class LocalProcessRunner final : public ProcessRunner {
 public:
  /// `grace`: how long a child told to end by SIGTERM may take before SIGKILL.
  /// Where this process ignores SIGCHLD, that is set back to the default: ends of children would go unseen.
  explicit LocalProcessRunner(Duration grace = std::chrono::seconds(2));

  Result<ProcessOutcome> run(const ProcessSpec& spec, Deadline deadline, std::stop_token stop) override;

 private:
  Duration grace_;
};

}  // namespace loom::exec
