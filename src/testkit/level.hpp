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

}  // namespace loom::testkit
