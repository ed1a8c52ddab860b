#pragma once
#include <chrono>

namespace loom {

using Duration = std::chrono::steady_clock::duration;
using Instant = std::chrono::steady_clock::time_point;

inline double seconds_of(Duration time) {
  return std::chrono::duration<double>(time).count();
}

/// Time as a dependency, so that tests move it by hand (testkit/manual_clock.hpp). Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
};

/// The machine's monotonic clock.
const Clock& steady_clock();

/// The moment a call must have answered by. Passed by value through every blocking or remote call.
class Deadline {
 public:
  static Deadline never() { return Deadline{Instant::max()}; }
  static Deadline at(Instant when) { return Deadline{when}; }
  static Deadline in(Duration wait, const Clock& clock = steady_clock()) {
    return Deadline{clock.now() + wait};
  }

  [[nodiscard]] Instant when() const { return when_; }
  [[nodiscard]] bool passed(const Clock& clock = steady_clock()) const { return clock.now() >= when_; }

 private:
  explicit Deadline(Instant when) : when_(when) {}
  Instant when_;
};

}  // namespace loom
