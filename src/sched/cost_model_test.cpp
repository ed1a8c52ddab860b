#include "sched/cost_model.hpp"

#include <gtest/gtest.h>

namespace loom::sched {
namespace {

TEST(CostModel, KnowsNothingOfASearchWithoutAPlanBeforeOneWasSeen) {
  CostModel costs;
  EXPECT_FALSE(costs.seconds_for("blastp nr", 100));
  costs.learn_rate("blastp nr", 1'000, 2);
  EXPECT_DOUBLE_EQ(costs.seconds_for("blastp nr", 500).value(), 1);
  EXPECT_FALSE(costs.seconds_for("blastn nt", 500));
}

TEST(CostModel, NewSearchesCountAFifth) {
  CostModel costs;
  costs.learn_rate("k", 100, 1);
  costs.learn_rate("k", 100, 2);
  EXPECT_NEAR(costs.seconds_for("k", 100).value(), 1.2, 1e-9);
}

TEST(CostModel, NothingIsLearntOfNothing) {
  CostModel costs;
  costs.learn_rate("k", 0, 1);
  costs.learn_rate("k", 100, 0);
  EXPECT_FALSE(costs.seconds_for("k", 100));
}

}  // namespace
}  // namespace loom::sched
