#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace loom::exec {

/// Collects text of any length in at most `max_bytes`: the first half and the last half of it.
/// Not thread-safe.
class BoundedText {
 public:
  explicit BoundedText(std::size_t max_bytes)
      : head_max_(max_bytes / 2), tail_max_(max_bytes - max_bytes / 2) {}

  void append(std::string_view text);

  /// What was appended, with "[... N bytes left out ...]" on a line of its own where bytes are missing.
  [[nodiscard]] std::string str() const;

 private:
  std::size_t head_max_;
  std::size_t tail_max_;
  std::string head_;
  std::string tail_;  // at most twice tail_max_ between cuts, so that a cut costs little per byte
  std::size_t dropped_bytes_ = 0;
};

}  // namespace loom::exec
