#include "base/number.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace loom {
namespace {

TEST(Number, IsAllOfTheText) {
  EXPECT_EQ(number_of<int>("17"), 17);
  EXPECT_EQ(number_of<int>("017"), 17);
  EXPECT_EQ(number_of<int>("-17"), -17);
  EXPECT_EQ(number_of<int>(std::string_view("170").substr(0, 2)), 17);
  for (const char* none : {"", "-", " 17", "17 ", "17x", "1,7", "1.7", "+17", "--17", "0x17", "17\n"})
    EXPECT_EQ(number_of<int>(none), std::nullopt) << none;
  EXPECT_EQ(number_of<int>(std::string_view()), std::nullopt);
  EXPECT_EQ(number_of<int>(std::string_view("17\0", 3)), std::nullopt);
  for (const char* signed_one : {"-1", "-0", "+1"})
    EXPECT_EQ(number_of<unsigned>(signed_one), std::nullopt) << signed_one;
}

TEST(Number, IsOneThatItsTypeHolds) {
  EXPECT_EQ(number_of<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(number_of<std::uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(number_of<std::int64_t>("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(number_of<std::int64_t>("9223372036854775808"), std::nullopt);
  EXPECT_EQ(number_of<std::int64_t>("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(number_of<std::int64_t>("-9223372036854775809"), std::nullopt);
  EXPECT_EQ(number_of<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(number_of<std::uint64_t>("18446744073709551616"), std::nullopt);
}

TEST(Number, MayBeReal) {
  EXPECT_EQ(number_of<double>("-2.5e-3"), -2.5e-3);
  EXPECT_EQ(number_of<double>("17"), 17.0);
  EXPECT_EQ(number_of<double>("inf"), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(number_of<double>("nan").value_or(0)));
  for (const char* none : {"", ".", "e5", "2.5e", "2.5 ", "+2.5", "1e999", "1e-999"})
    EXPECT_EQ(number_of<double>(none), std::nullopt) << none;
}

}  // namespace
}  // namespace loom
