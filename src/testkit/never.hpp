#pragma once
#include "base/clock.hpp"

namespace loom {

/// For calls of tests, which ctest ends when they hang.
inline const Deadline kNever = Deadline::never();

}  // namespace loom
