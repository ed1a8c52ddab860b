#include "api/ops_routes.hpp"

// The assembler puts the file into the program: a string literal of its size is more than compilers promise
// to take. LOOM_OPENAPI is the path of doc/openapi.yaml.
asm(".section .rodata\n"
    ".global loom_openapi_begin\n"
    ".global loom_openapi_end\n"
    ".hidden loom_openapi_begin\n"
    ".hidden loom_openapi_end\n"
    "loom_openapi_begin:\n"
    ".incbin \"" LOOM_OPENAPI
    "\"\n"
    "loom_openapi_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern const char loom_openapi_begin[];
extern const char loom_openapi_end[];
}

namespace loom::api {

std::string_view openapi_text() {
  return {loom_openapi_begin, static_cast<std::size_t>(loom_openapi_end - loom_openapi_begin)};
}

}  // namespace loom::api
