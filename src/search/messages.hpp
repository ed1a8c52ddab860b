#pragma once
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace loom::search {

/// What the engine says on stderr, of all tasks together: each message once, with the true query and line
/// numbers. Thread-safety: one thread at a time.
class Messages {
 public:
  /// `before` is called ahead of each line that is printed (to clear a progress line).
  explicit Messages(
      std::FILE* to, std::function<void()> before = [] {})
      : to_(to), before_(std::move(before)) {}

  /// Prints what a task said whose first query has ordinal `first_query` and stands on line `first_line`.
  void add(std::string_view text, std::uint64_t first_query, std::uint64_t first_line);

 private:
  std::FILE* to_;
  std::function<void()> before_;
  std::unordered_set<std::string> seen_;  // bounded: past kMost, everything is printed
};

/// `line` as an unsplit run would print it.
std::string true_numbers(std::string_view line, std::uint64_t first_query, std::uint64_t first_line);

}  // namespace loom::search
