#pragma once
#include <filesystem>
#include <map>
#include <memory>

#include "base/fd.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "store/job.hpp"

namespace loom::sched {

/// Which server of this machine works on a job: a lock on one byte of a file for each job, held as long as
/// the server has it. The kernel frees the locks of a server that is killed at once, and a clock that jumps
/// does not matter to them. Thread-safe. Never blocks.
class JobClaims {
 public:
  /// Makes `file` if it is missing; it stays empty.
  static Result<std::shared_ptr<JobClaims>> open(const std::filesystem::path& file);

  /// Null while another server has the job. Else it is this one's until the last of its claims on it is
  /// destroyed.
  static std::shared_ptr<void> take(const std::shared_ptr<JobClaims>& claims, const store::JobId& id);

 private:
  explicit JobClaims(Fd file) : file_(std::move(file)) {}
  enum class Outcome { done, refused };
  Outcome acquire(std::int64_t place) EXCLUDES(mutex_);
  void release(std::int64_t place) EXCLUDES(mutex_);
  /// F_WRLCK or F_UNLCK.
  Outcome set(std::int64_t place, int type);

  const Fd file_;
  Mutex mutex_;
  std::map<std::int64_t, int> held_ GUARDED_BY(mutex_);  // claims, by place
};

}  // namespace loom::sched
