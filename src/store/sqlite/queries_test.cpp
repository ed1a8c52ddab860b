#include "store/sqlite/queries.hpp"

#include <gtest/gtest.h>

#include "base/temp_dir.hpp"
#include "store/sqlite/schema.hpp"

namespace loom::store::sqlite {
namespace {

std::string plan_of(Connection& db, const std::string& sql) {
  std::string all;
  auto rows = db.query("EXPLAIN QUERY PLAN " + sql).value();
  while (rows.step().value() == Step::row) {
    rows.skip(3);
    all += rows.text() + "; ";
  }
  return all;
}

/// The filter whose n-th field is set if bit n is.
JobFilter filter_of(unsigned bits) {
  JobFilter filter;
  if ((bits & 1U) != 0) filter.owner = "o";
  if ((bits & 2U) != 0) filter.state = JobState::queued;
  if ((bits & 4U) != 0) filter.program = "p";
  if ((bits & 8U) != 0) filter.database = "d";
  if ((bits & 16U) != 0) filter.since = UnixTime{};
  if ((bits & 32U) != 0) filter.text = "text";
  return filter;
}

class QueriesTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(migrate(*db_, migrations())); }
  Result<TempDir> dir_ = TempDir::create();
  std::unique_ptr<Connection> db_ =
      Connection::open(dir_->path() / "jobs.db", Connection::Mode::write).value();
};

TEST_F(QueriesTest, NoListReadsOrSortsAllJobs) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (const bool has_cursor : {false, true}) {
      const JobFilter filter = filter_of(bits);
      const std::string plan = plan_of(*db_, list_sql(filter, has_cursor));
      if (filter.text) {
        EXPECT_TRUE(plan.starts_with("SCAN titles VIRTUAL TABLE INDEX 0:M")) << plan;
        EXPECT_NE(plan.find("SEARCH jobs USING INTEGER PRIMARY KEY"), std::string::npos) << plan;
        continue;
      }
      EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << bits << plan;
      const bool unbounded = bits == 0 && !has_cursor;
      EXPECT_TRUE(plan.starts_with(unbounded ? "SCAN jobs USING INDEX" : "SEARCH jobs USING INDEX"))
          << bits << plan;
    }
  }
}

TEST_F(QueriesTest, TheMostUsedFiltersHaveIndexesOfTheirOwn) {
  const auto index = [this](unsigned bits) {
    const std::string plan = plan_of(*db_, list_sql(filter_of(bits), false));
    const std::size_t from = plan.find("INDEX ") + 6;
    return plan.substr(from, plan.find_first_of(" ;", from) - from);
  };
  EXPECT_EQ(index(0), "jobs_newest");
  EXPECT_EQ(index(1), "jobs_by_owner");
  EXPECT_EQ(index(2), "jobs_by_state");
  EXPECT_EQ(index(3), "jobs_by_owner_state");
  EXPECT_EQ(index(4), "jobs_by_program");
  EXPECT_EQ(index(8), "jobs_by_database");
}

}  // namespace
}  // namespace loom::store::sqlite
