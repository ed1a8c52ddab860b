#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace loom {
namespace {

TEST(Base64, ComesBackAsItWas) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff", 2)})
    EXPECT_EQ(from_base64(base64(std::as_bytes(std::span(text)))), text);
  for (const char* bad : {"a", "abc", "ab=c", "====", "a===", "ab c", "ab-_", "abcd\n"})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

}  // namespace
}  // namespace loom
