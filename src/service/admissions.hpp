#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "sched/scheduler.hpp"
#include "service/job_service.hpp"

namespace loom::service {

/// Keeps the numbers of unfinished jobs within their limits: counts those that the scheduler has and those
/// on their way to it, so that submits that come at once cannot pass a limit together. Thread-safe.
class Admissions {
 public:
  /// A job on its way to the scheduler, or to an error: it counts while this lives.
  class Place {
   public:
    Place(Admissions& all, std::string owner) : all_(&all), owner_(std::move(owner)) {}
    Place(Place&& other) noexcept
        : all_(std::exchange(other.all_, nullptr)), owner_(std::move(other.owner_)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (all_ != nullptr) all_->leave(owner_);
    }

   private:
    Admissions* all_;
    std::string owner_;
  };

  Admissions(const sched::Scheduler& scheduler, const Limits& limits)
      : scheduler_(scheduler), limits_(limits) {}

  /// For a job of `owner`. Waits for jobs on their way whose end decides whether this one fits, until
  /// `deadline` and for two seconds at most. Errors: too_many, with what can be done.
  Result<Place> enter(const std::string& owner, Deadline deadline);

 private:
  void leave(const std::string& owner);

  const sched::Scheduler& scheduler_;
  const Limits limits_;
  Mutex mutex_;
  CondVar left_;
  std::map<std::string, std::uint64_t> entering_ GUARDED_BY(mutex_);  ///< by owner; none is 0
  std::uint64_t all_entering_ GUARDED_BY(mutex_) = 0;
};

}  // namespace loom::service
