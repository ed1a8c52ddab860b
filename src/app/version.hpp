#pragma once
#include <string_view>

namespace loom::app {
/// As in CMakeLists.txt.
inline constexpr std::string_view kVersion = LOOM_VERSION;
}  // namespace loom::app
