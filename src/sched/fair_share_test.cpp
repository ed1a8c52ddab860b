#include "sched/fair_share.hpp"

#include <gtest/gtest.h>

#include "sched/cost_model.hpp"

namespace loom::sched {
namespace {

using std::chrono::seconds;

class FairShareTest : public ::testing::Test {
 protected:
  [[nodiscard]] Instant at(int second) const { return start_ + seconds(second); }
  [[nodiscard]] Candidate one(const std::string& owner, std::uint64_t number) const {
    return {.owner = &owner, .waiting_since = start_, .number = number};
  }
  [[nodiscard]] Room room(int cores) const {
    return {.cores_free = cores, .memory_free = 100, .read = &read_};
  }

  const Instant start_ = Instant{} + std::chrono::hours(1);
  const std::string ann_ = "ann";
  const std::string bob_ = "bob";
  std::map<std::uint64_t, int> read_;
  FairShare share_{{{"bob", 2.0}}};
};

TEST_F(FairShareTest, TheOwnerWhoUsedLeastForHisWeightGoesFirst) {
  const std::vector all{one(ann_, 1), one(bob_, 2)};
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U) << "nobody used anything: the older";
  share_.charge(ann_, 10, at(0));
  share_.charge(bob_, 15, at(0));
  EXPECT_EQ(share_.next(all, room(1), at(0)), 1U) << "15 seconds at weight 2 are less than 10 at weight 1";
  share_.charge(bob_, 10, at(0));
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U);
}

TEST_F(FairShareTest, OfEqualsTheOneWhoseDatabaseIsInMemoryGoesFirstUntilTheOtherHasAged) {
  std::vector all{one(ann_, 1), one(ann_, 2)};
  all[1].warm = true;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 1U);
  all[1].waiting_since = at(10);
  EXPECT_EQ(share_.next(all, room(1), at(29)), 1U);
  EXPECT_EQ(share_.next(all, room(1), at(31)), 0U) << "it waited a step of ageing longer";
  all[0].priority = 1;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U);
  all = {one(ann_, 1), one(bob_, 2)};
  all[1].warm = true;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U) << "not at the cost of another owner";
}

TEST_F(FairShareTest, UseIsForgottenByHalves) {
  share_.charge(ann_, 8, at(0));
  EXPECT_NEAR(share_.used(ann_, at(600)), 4, 1e-9);
  EXPECT_NEAR(share_.used(ann_, at(1800)), 1, 1e-9);
}

TEST_F(FairShareTest, OfOneOwnerPriorityCountsThenServiceThenAge) {
  std::vector all{one(ann_, 1), one(ann_, 2), one(ann_, 3)};
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U);
  all[0].served = 5;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U) << "small jobs are done one after another";
  all[0].served = 15;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 1U) << "a small job passes one that got more";
  all[1].served = 19;
  all[2].served = 21;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U) << "got about as much: the older";
  all[2].priority = 1;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 2U);
  all[1].finishes = true;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 1U) << "what is done but for its output";
}

TEST_F(FairShareTest, WaitingBeatsPriorityInTheEnd) {
  std::vector all{one(ann_, 1), one(ann_, 2)};
  all[1].priority = 3;
  all[1].waiting_since = at(100);
  EXPECT_EQ(share_.next(all, room(1), at(80)), 1U);
  EXPECT_EQ(share_.next(all, room(1), at(125)), 0U) << "4 steps of ageing against priority 3";
}

TEST_F(FairShareTest, WhatDoesNotFitIsPassedOverUntilItHasWaitedLong) {
  std::vector all{one(ann_, 1), one(ann_, 2)};
  all[0].threads = 2;
  all[1].waiting_since = at(20);
  EXPECT_EQ(share_.next(all, room(1), at(29)), 1U);
  EXPECT_EQ(share_.next(all, room(1), at(31)), std::nullopt) << "cores are kept for the one that waits";
  EXPECT_EQ(share_.next(all, room(2), at(31)), 0U);
}

TEST_F(FairShareTest, MemoryAdmitsDatabasesThatFitOrAreReadAlready) {
  std::vector all{one(ann_, 1)};
  all[0].database = 7;
  all[0].database_bytes = 101;
  EXPECT_EQ(share_.next(all, room(1), at(0)), std::nullopt);
  read_[7] = 1;
  EXPECT_EQ(share_.next(all, room(1), at(0)), 0U);
  read_.clear();
  Room idle = room(1);
  idle.idle = true;
  EXPECT_EQ(share_.next(all, idle, at(0)), 0U) << "alone, anything may run";
}

TEST(CostModelTest, LearnsTheRatioAndTellsHowFarItIsOff) {
  CostModel model;
  EXPECT_EQ(model.corrected("k", 3), 3);
  EXPECT_EQ(model.error("k"), std::nullopt);
  model.learn("k", 1, 2);
  EXPECT_NEAR(model.corrected("k", 3), 6, 1e-9);
  model.learn("k", 1, 4);
  EXPECT_NEAR(*model.error("k"), 0.5, 1e-9) << "2 was said, 4 it was";
  EXPECT_GT(model.corrected("k", 1), 2);
  model.learn("k", 0, 4);
  EXPECT_EQ(model.corrected("other", 1), 1);
}

}  // namespace
}  // namespace loom::sched
