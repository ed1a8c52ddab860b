#include "exec/local/bounded_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace loom::exec {

void BoundedText::append(std::string_view text) {
  const std::size_t to_head = std::min(text.size(), head_max_ - head_.size());
  head_.append(text.substr(0, to_head));
  tail_.append(text.substr(to_head));
  if (tail_.size() > 2 * tail_max_) {
    const std::size_t surplus = tail_.size() - tail_max_;
    tail_.erase(0, surplus);
    dropped_bytes_ += surplus;
  }
}

std::string BoundedText::str() const {
  const std::size_t surplus = tail_.size() > tail_max_ ? tail_.size() - tail_max_ : 0;
  const std::size_t missing = dropped_bytes_ + surplus;
  if (missing == 0) return head_ + tail_;
  return fmt::format("{}\n[... {} bytes left out ...]\n{}", head_, missing,
                     std::string_view(tail_).substr(surplus));
}

}  // namespace loom::exec
