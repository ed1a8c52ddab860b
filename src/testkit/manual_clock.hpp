#pragma once
#include <atomic>

#include "base/clock.hpp"

namespace loom::testkit {

/// Time that stands still until it is moved. Thread-safe.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return Instant(Duration(since_start_.load())); }
  void advance(Duration by) { since_start_.fetch_add(by.count()); }

 private:
  std::atomic<Duration::rep> since_start_{0};
};

}  // namespace loom::testkit
