#pragma once
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "exec/process_runner.hpp"

namespace loom::testkit {

/// Slurm's commands, as exec::slurm::Commands calls them, and what they act on. Nothing starts by itself: a
/// test plays the nodes. The real one is in test/slurm. Thread-safe.
class FakeSlurm {
 public:
  struct Row {
    std::string token, id, state = "PENDING", memory, minutes, reason = "None";
  };

  Result<exec::ProcessOutcome> run(const exec::ProcessSpec& spec);

  std::vector<Row> rows() {
    const MutexLock lock(mutex_);
    return rows_;
  }
  void set(std::size_t row, const std::string& state) {
    const MutexLock lock(mutex_);
    rows_.at(row).state = state;
  }
  /// As when the element's node did not answer.
  void hold(std::size_t row) {
    const MutexLock lock(mutex_);
    rows_.at(row).reason = "BeginTime";
  }
  /// As a controller does that was killed before it wrote its state: jobs are gone, numbers come again.
  void forget() {
    const MutexLock lock(mutex_);
    rows_.clear();
    next_id_ = 1;
  }
  int arrays() {
    const MutexLock lock(mutex_);
    return arrays_;
  }
  void down(bool is) {
    const MutexLock lock(mutex_);
    down_ = is;
  }
  void swallow(bool is) {
    const MutexLock lock(mutex_);
    swallow_ = is;
  }
  void lack(std::string command) {
    const MutexLock lock(mutex_);
    missing_ = std::move(command);
  }
  /// What sacct says.
  void account(std::string lines) {
    const MutexLock lock(mutex_);
    accounts_ = std::move(lines);
  }
  void refuse(std::string words) {
    const MutexLock lock(mutex_);
    refusal_ = std::move(words);
  }

 private:
  Mutex mutex_;
  std::vector<Row> rows_ GUARDED_BY(mutex_);
  int next_id_ GUARDED_BY(mutex_) = 1;
  int arrays_ GUARDED_BY(mutex_) = 0;
  bool down_ GUARDED_BY(mutex_) = false;
  bool swallow_ GUARDED_BY(mutex_) = false;
  std::string refusal_ GUARDED_BY(mutex_);
  std::string missing_ GUARDED_BY(mutex_);
  std::string accounts_ GUARDED_BY(mutex_);
};

}  // namespace loom::testkit
