#pragma once
#include <cstdint>
#include <map>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "sched/job_spec.hpp"

namespace loom::sched {

/// Which databases lie in the page cache, as seen at most a while ago: what is there already is searched
/// without waiting for the disk. Thread-safe.
class Warmth {
 public:
  static constexpr std::chrono::seconds kFresh{10};
  static constexpr double kWarm = 0.9;  ///< of the files' bytes

  /// Looks at the database `number` of that job, unless somebody did within kFresh. What cannot be looked at
  /// is cold. Blocking: maps its files, 1 ms for some GB.
  void look(std::uint64_t number, const JobSpec& spec, Instant now) EXCLUDES(mutex_);
  /// False for one that nobody looked at. Never blocks.
  [[nodiscard]] bool warm(std::uint64_t number) const EXCLUDES(mutex_);

 private:
  struct Seen {
    Instant at{};
    bool warm = false;
  };
  mutable Mutex mutex_;
  std::map<std::uint64_t, Seen> seen_ GUARDED_BY(mutex_);
};

}  // namespace loom::sched
