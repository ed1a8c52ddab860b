#pragma once
#include <atomic>
#include <string_view>

#include "base/result.hpp"

namespace loom::testkit {

/// Counts the calls of one test, from 0, and says which of them fails. Thread-safe.
class FaultPlan {
 public:
  /// `fail_at` < 0: none.
  explicit FaultPlan(int fail_at, Code code = Code::unavailable) : fail_at_(fail_at), code_(code) {}

  /// Counts one call; the injected error if it is the one.
  Status next(std::string_view call) {
    const int number = calls_.fetch_add(1);
    if (number != fail_at_) return ok();
    return error(code_, "injected fault in call {} ({})", number, call);
  }
  [[nodiscard]] int calls() const { return calls_.load(); }

 private:
  int fail_at_;
  Code code_;
  std::atomic<int> calls_{0};
};

}  // namespace loom::testkit
