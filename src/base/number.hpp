#pragma once
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace loom {

/// The number that is all of `text`, in base ten, as std::from_chars reads it: no blank and no plus sign, a
/// minus only where `Number` has one, and of a floating type also inf and nan. nullopt: it is none, or
/// `Number` cannot hold it.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace loom
