#include "testkit/fake_process_runner.hpp"

#include "base/check.hpp"

namespace loom::testkit {

Result<exec::ProcessOutcome> FakeProcessRunner::run(const exec::ProcessSpec& spec, Deadline deadline,
                                                    std::stop_token stop) {
  LOOM_CHECK(!spec.argv.empty(), "a run names a program");
  if (stop.stop_requested()) return error(Code::cancelled, "{} was not started", spec.argv.front());
  if (deadline.passed()) return error(Code::timed_out, "{} was not started", spec.argv.front());
  int number = 0;
  {
    const MutexLock lock(mutex_);
    number = static_cast<int>(runs_.size());
    runs_.push_back(spec);
  }
  return script_(spec, number);
}

std::vector<exec::ProcessSpec> FakeProcessRunner::runs() {
  const MutexLock lock(mutex_);
  return runs_;
}

Result<exec::ProcessOutcome> FaultyProcessRunner::run(const exec::ProcessSpec& spec, Deadline deadline,
                                                      std::stop_token stop) {
  LOOM_CHECKED(plan_.next("run"));
  return inner_.run(spec, deadline, std::move(stop));
}

}  // namespace loom::testkit
