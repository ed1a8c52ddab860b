#include "base/random.hpp"

#include <gtest/gtest.h>

#include <set>

namespace loom {
namespace {

TEST(Random, TokensAre32HexDigitsAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = random_token();
    EXPECT_EQ(token.size(), 32U);
    EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos) << token;
    EXPECT_TRUE(seen.insert(token).second) << token;
  }
}

}  // namespace
}  // namespace loom
