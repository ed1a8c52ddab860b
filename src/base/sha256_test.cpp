#include "base/sha256.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace loom {
namespace {

std::string hmac_hex(std::string_view key, std::string_view text) {
  return fmt::format("{:02x}", fmt::join(hmac_sha256(key, text), ""));
}

TEST(Sha256, AsFips180Has) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, IsThatOfWhatCameSoFar) {
  Sha256 hash;
  EXPECT_EQ(hash.hex(), sha256_hex(""));
  hash.add("ab");
  EXPECT_EQ(hash.hex(), sha256_hex("ab"));
  EXPECT_EQ(hash.hex(), sha256_hex("ab"));
  hash.add("c");
  EXPECT_EQ(hash.hex(), sha256_hex("abc"));
}

/// Test cases 2 and 6 of RFC 4231.
TEST(Sha256, HmacAsTheRfcHas) {
  EXPECT_EQ(hmac_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace loom
