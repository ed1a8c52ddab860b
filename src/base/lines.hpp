#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace loom {

/// Takes the first line off `text`, without its line end.
inline std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Gives `take` each line that ends in `bytes`, without its "\n": the first with what `held` has of it, and
/// `held` then has what is behind the last. An error of `take` ends it.
template <class Take>
Status take_lines(std::string& held, std::string_view bytes, Take take) {
  for (;;) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    if (held.empty()) {
      LOOM_CHECKED(take(bytes.substr(0, end)));
    } else {
      held += bytes.substr(0, end);
      LOOM_CHECKED(take(std::exchange(held, {})));
    }
    bytes.remove_prefix(end + 1);
  }
  held += bytes;
  return ok();
}

}  // namespace loom
