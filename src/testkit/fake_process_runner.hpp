#pragma once
#include <functional>
#include <vector>

#include "base/mutex.hpp"
#include "exec/process_runner.hpp"
#include "testkit/fault_plan.hpp"

namespace loom::testkit {

/// Runs a script in place of programs, and remembers what it was asked. A requested stop and a passed
/// deadline end a run before its script, as in the real one.
class FakeProcessRunner final : public exec::ProcessRunner {
 public:
  /// What run number `number` (from 0) of `spec` does, and how it ends. Called from the threads that call
  /// run().
  using Script = std::function<Result<exec::ProcessOutcome>(const exec::ProcessSpec& spec, int number)>;
  explicit FakeProcessRunner(Script script) : script_(std::move(script)) {}

  Result<exec::ProcessOutcome> run(const exec::ProcessSpec& spec, Deadline deadline,
                                   std::stop_token stop) override;

  /// In the order of the calls.
  [[nodiscard]] std::vector<exec::ProcessSpec> runs();

 private:
  Script script_;
  Mutex mutex_;
  std::vector<exec::ProcessSpec> runs_ GUARDED_BY(mutex_);
};

/// Passes runs on to `inner`, except that run number `fail_at` (from 0; < 0: none) fails to start.
class FaultyProcessRunner final : public exec::ProcessRunner {
 public:
  FaultyProcessRunner(exec::ProcessRunner& inner, int fail_at, Code code = Code::unavailable)
      : inner_(inner), plan_(fail_at, code) {}

  Result<exec::ProcessOutcome> run(const exec::ProcessSpec& spec, Deadline deadline,
                                   std::stop_token stop) override;

  [[nodiscard]] int calls() const { return plan_.calls(); }

 private:
  exec::ProcessRunner& inner_;
  FaultPlan plan_;
};

}  // namespace loom::testkit
