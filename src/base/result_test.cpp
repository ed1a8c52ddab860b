#include "base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace loom {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return error(Code::invalid_argument, "{} is odd", n);
  return n / 2;
}

Result<int> quarter(int n) {
  LOOM_TRY(const int h, half(n));
  return half(h);
}

TEST(Result, TryPassesTheValueOnOrReturnsTheError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(3).error().message, "3 is odd");
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
}

TEST(Result, PlaceIsPutInFrontAndKeepsTheCode) {
  const Error e = error(Code::disk_full, "no space").at("task 3");
  EXPECT_EQ(e.message, "task 3: no space");
  EXPECT_EQ(e.code, Code::disk_full);
}

TEST(Result, SystemErrorsAreMappedWhereTheCauseIsKnown) {
  EXPECT_EQ(system_error(ENOSPC, "write q").code, Code::disk_full);
  EXPECT_EQ(system_error(ENOENT, "open q").code, Code::not_found);
  EXPECT_EQ(system_error(ENOENT, "open q").message, "open q: No such file or directory");
}

TEST(Result, EveryCodeIsFoundByItsName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_TRUE(names.insert(name(code)).second) << "two are called " << name(code);
    EXPECT_EQ(parse_code(name(code)), code) << name(code);
  }
  for (const auto* none : {"", "Internal", "internal ", "other"}) EXPECT_EQ(parse_code(none), std::nullopt);
}

TEST(Result, OnlyPassingTroublesAreRetryable) {
  EXPECT_TRUE(retryable(Code::unavailable));
  EXPECT_TRUE(retryable(Code::timed_out));
  EXPECT_FALSE(retryable(Code::corrupt));
}

}  // namespace
}  // namespace loom
