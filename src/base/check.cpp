#include "base/check.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace loom {

void check_failed(const char* file, int line, const char* expression, std::string_view why) {
  fmt::print(stderr, "blastloom: defect: {} ({}) at {}:{}. Please report this line.\n", why, expression, file,
             line);
  std::abort();
}

}  // namespace loom
