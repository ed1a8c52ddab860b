#include "base/random.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/check.hpp"

namespace loom {

void fill_random(std::span<unsigned char> bytes) {
  // Up to 256 bytes come whole, once the kernel's source is seeded; a signal before that interrupts it.
  ssize_t got = -1;
  do {
    got = ::getrandom(bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  LOOM_CHECK(got == static_cast<ssize_t>(bytes.size()), "the kernel gives random bytes");
}

std::string random_token() {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  fill_random(bytes);
  std::string text;
  for (const unsigned byte : bytes) {
    text += kHexDigits[byte >> 4U];
    text += kHexDigits[byte & 0xfU];
  }
  return text;
}

}  // namespace loom
