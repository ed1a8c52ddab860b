#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace loom {

/// The most that is taken of something, and the setting of the server that moves it.
struct Limit {
  std::uint64_t most = 0;         ///< 0: no limit
  std::string_view setting = {};  ///< empty: it is fixed

  [[nodiscard]] bool passed_by(std::uint64_t count) const { return most != 0 && count > most; }
  /// The end of a refusal's sentence: what raises the limit. Empty where nothing does.
  [[nodiscard]] std::string way_out() const {
    return setting.empty() ? std::string() : fmt::format(" (the operator's setting {} raises that)", setting);
  }
};

}  // namespace loom
