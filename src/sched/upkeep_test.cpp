#include "sched/upkeep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testkit/mem_object_store.hpp"
#include "testkit/never.hpp"

namespace loom::sched {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t kMost = 100;

class BoundMadeTest : public testing::Test {
 protected:
  void put(const std::string& name, std::size_t bytes) {
    const std::vector<std::byte> body(bytes);
    ASSERT_TRUE(objects_.put(storage::ObjectKey::parse("jobs/" + name).value(), body, kNever));
  }
  std::uint64_t run() { return bound_.run().value(); }
  std::vector<std::string> there() {
    const auto page = objects_.list("", "", 100, kNever).value();
    std::vector<std::string> names;
    for (const auto& one : page) names.push_back(one.key.str().substr(5));
    return names;
  }

  testkit::MemObjectStore objects_;
  Periodic bound_ = bound_made(objects_, kMost);
};

TEST_F(BoundMadeTest, PastTheBoundTheOldestGo) {
  put("z", 40);
  EXPECT_EQ(run(), 0U);
  put("a", 40);
  EXPECT_EQ(run(), 0U);
  put("m", 40);
  EXPECT_EQ(run(), 1U);
  EXPECT_THAT(there(), ElementsAre("a", "m")) << "z came first";
  EXPECT_EQ(run(), 0U);
}

TEST_F(BoundMadeTest, WhatIsReplacedIsNew) {
  put("a", 40);
  EXPECT_EQ(run(), 0U);
  put("b", 40);
  EXPECT_EQ(run(), 0U);
  put("a", 40);
  EXPECT_EQ(run(), 0U);
  put("c", 40);
  EXPECT_EQ(run(), 1U);
  EXPECT_THAT(there(), ElementsAre("a", "c"));
}

TEST_F(BoundMadeTest, WhatHasJustComeStaysUntilTheNextLookAndTheNewestLonger) {
  for (const char* name : {"a", "b", "c"}) put(name, 60);
  EXPECT_EQ(run(), 0U) << "somebody may be about to read them";
  EXPECT_EQ(run(), 2U);
  EXPECT_EQ(there().size(), 1U);
  put("large", 2 * kMost);
  EXPECT_EQ(run(), 1U);
  EXPECT_EQ(run(), 0U) << "without it nothing could be shown";
  EXPECT_THAT(there(), ElementsAre("large"));
}

TEST_F(BoundMadeTest, WhatWasRemovedMeanwhileCountsNoMore) {
  put("a", 60);
  EXPECT_EQ(run(), 0U);
  ASSERT_TRUE(objects_.remove(storage::ObjectKey::parse("jobs/a").value(), kNever));
  put("b", 60);
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ(run(), 0U);
  EXPECT_THAT(there(), ElementsAre("b"));
}

}  // namespace
}  // namespace loom::sched
