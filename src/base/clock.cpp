#include "base/clock.hpp"

namespace loom {

const Clock& steady_clock() {
  static const struct final : Clock {
    [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
  } clock;
  return clock;
}

}  // namespace loom
