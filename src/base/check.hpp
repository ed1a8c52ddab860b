#pragma once
#include <string_view>

namespace loom {
/// Prints the broken expectation to stderr and aborts. For defects only; what may happen is a Result.
[[noreturn]] void check_failed(const char* file, int line, const char* expression, std::string_view why);
}  // namespace loom

/// Holds in release too. `why` says what must be true.
#define LOOM_CHECK(condition, why)                                               \
  do {                                                                           \
    if (!(condition)) ::loom::check_failed(__FILE__, __LINE__, #condition, why); \
  } while (false)
