#pragma once
#include <optional>
#include <span>
#include <string_view>

namespace loom::blast {

/// The candidate that `word` is most likely a slip of: at most a third of its letters (at least one)
/// inserted, dropped or changed. The first of equals; none if nothing is near.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace loom::blast
