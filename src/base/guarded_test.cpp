#include "base/guarded.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace loom {
namespace {

TEST(Guarded, WhatIsReturnedComesThrough) {
  EXPECT_EQ(guarded([]() -> Result<int> { return 7; }).value(), 7);
  EXPECT_TRUE(guarded([] {}));
  const Status failed = guarded([]() -> Status { return error(Code::not_found, "no such thing"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::not_found);
  EXPECT_EQ(failed.error().message, "no such thing");
}

TEST(Guarded, WhatIsThrownIsAnErrorWithItsWords) {
  const Status thrown = guarded([]() -> Status { throw std::runtime_error("the disk is gone"); });
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Code::internal);
  EXPECT_EQ(thrown.error().message, "the disk is gone");
  EXPECT_EQ(guarded([] { throw std::runtime_error("the disk is gone"); }).error().message,
            "the disk is gone");
  const auto no_memory = guarded([]() -> Result<int> { throw std::bad_alloc(); });
  ASSERT_FALSE(no_memory);
  EXPECT_EQ(no_memory.error().code, Code::internal);
  EXPECT_EQ(no_memory.error().message, std::bad_alloc().what());
}

TEST(Guarded, AlsoWhatIsNoException) {
  const Status thrown = guarded([]() -> Status { throw 7; });  // NOLINT: what a library might do
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Code::internal);
}

}  // namespace
}  // namespace loom
