#pragma once
#include <cstdlib>
#include <string_view>

namespace loom::testkit {

/// How much a test run may take: LOOM_TEST_LEVEL, which is quick, default or full.
enum class Level { quick, standard, full };

inline Level level() {
  const char* text = std::getenv("LOOM_TEST_LEVEL");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  const std::string_view name = text == nullptr ? "default" : text;
  return name == "quick" ? Level::quick : name == "full" ? Level::full : Level::standard;
}

/// Whether to ask the installed program too, which takes a start of it or some: quick runs do every fourth
/// time.
inline bool asks_the_engine() {
  static int asked = 0;
  return level() != Level::quick || asked++ % 4 == 0;
}

}  // namespace loom::testkit
