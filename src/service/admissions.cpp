#include "service/admissions.hpp"

#include <algorithm>

namespace loom::service {

namespace {

/// A caller's thread waits no longer for what others do.
constexpr std::chrono::seconds kPatience{2};

}  // namespace

Result<Admissions::Place> Admissions::enter(const std::string& owner, Deadline deadline) {
  const Instant until = std::min(deadline.when(), std::chrono::steady_clock::now() + kPatience);
  const MutexLock lock(mutex_);
  for (bool late = false;; late = std::chrono::steady_clock::now() >= until) {
    const auto unfinished = scheduler_.unfinished(owner);
    const auto own = entering_.find(owner);
    const std::uint64_t entering = own == entering_.end() ? 0 : own->second;
    const bool many = limits_.jobs_per_caller.passed_by(unfinished.of_owner + entering + 1);
    const bool full = limits_.jobs.passed_by(unfinished.of_all + all_entering_ + 1);
    if (!many && !full) break;
    if (many && (late || entering == 0))
      return error(Code::too_many,
                   "you have {} unfinished jobs, and this server takes {} of one caller{}; wait for some to "
                   "finish, or put several queries into one job",
                   unfinished.of_owner + entering, limits_.jobs_per_caller.most,
                   limits_.jobs_per_caller.way_out());
    if (full && (late || all_entering_ == 0))
      return error(Code::too_many, "{} jobs are unfinished, and this server takes {}{}; try again later",
                   unfinished.of_all + all_entering_, limits_.jobs.most, limits_.jobs.way_out());
    left_.wait_until(mutex_, until);
  }
  ++entering_[owner];
  ++all_entering_;
  return Place(*this, owner);
}

void Admissions::leave(const std::string& owner) {
  const MutexLock lock(mutex_);
  const auto own = entering_.find(owner);
  if (--own->second == 0) entering_.erase(own);
  --all_entering_;
  left_.notify_all();
}

}  // namespace loom::service
