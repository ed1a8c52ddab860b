#include "render/number_queries.hpp"

#include <gtest/gtest.h>

namespace loom::render {
namespace {

TEST(QueryLabel, IsANumberBehindTheWord) {
  EXPECT_EQ(query_label("Query_12 x")->number, 12U);
  EXPECT_EQ(query_label("Query_12 x")->size, 8U);
  EXPECT_FALSE(query_label("Query_x"));
  EXPECT_FALSE(query_label("Query_0"));
}

TEST(Renumbered, OnlyBehindThePrefix) {
  EXPECT_EQ(renumbered("<query-id>Query_2</query-id>\n", "<query-id>", 40),
            "<query-id>Query_42</query-id>\n");
  EXPECT_FALSE(renumbered("<title>Query_2", "<query-id>", 40));
}

TEST(RenumberAll, MovesWordsAndNothingElse) {
  EXPECT_EQ(renumber_all("Warning: Query_1 a: Query_10", 5), "Warning: Query_6 a: Query_15");
  EXPECT_EQ(renumber_all("myQuery_1 Query_1x Query_", 5), "myQuery_1 Query_1x Query_");
}

// As psiblast 2.12 prints it for query 1 and for query 10.
TEST(RenumberAll, ALongerNumberLeavesLessOfACutTitle) {
  EXPECT_EQ(renumber_all("Query_1 tr|V5R462|V5R462_.. : text", 9), "Query_10 tr|V5R462|V5R462.. : text");
  EXPECT_EQ(renumber_all("Query_1 tr|V5R462|V5R462_.. : text", 5), "Query_6 tr|V5R462|V5R462_.. : text");
}

}  // namespace
}  // namespace loom::render
