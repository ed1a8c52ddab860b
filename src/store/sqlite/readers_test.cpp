#include "store/sqlite/readers.hpp"

#include <gtest/gtest.h>

#include <latch>

#include "base/temp_dir.hpp"
#include "store/sqlite/writer.hpp"
#include "testkit/never.hpp"

namespace loom::store::sqlite {
namespace {

using std::chrono::milliseconds;

/// A pool of one reader on a table of numbers, and the writer of the same file.
class ReadersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto db = Connection::open(path_, Connection::Mode::write).value();
    ASSERT_TRUE(db->run_script("CREATE TABLE t(x)"));
    writer_.emplace(std::move(db), Writer::Limits{});
    std::vector<std::unique_ptr<Connection>> one;
    one.push_back(Connection::open(path_, Connection::Mode::read).value());
    readers_.emplace(std::move(one));
  }
  Result<std::int64_t> count(Deadline deadline = kNever) {
    return readers_->run(deadline, [](Connection& db) { return db.integer("SELECT count(*) FROM t"); });
  }
  Result<TempDir> dir_ = TempDir::create();
  std::filesystem::path path_ = dir_->path() / "t.db";
  std::optional<Writer> writer_;
  std::optional<Readers> readers_;
};

TEST_F(ReadersTest, ReadsGoOnInTheMiddleOfAChange) {
  std::latch written(1);
  std::latch looked(1);
  const std::jthread caller([&] {
    EXPECT_TRUE(writer_->run(
        [&](Connection& db) {
          const Status done = db.run("INSERT INTO t VALUES(1)");
          written.count_down();
          looked.wait();
          return done;
        },
        kNever));
  });
  written.wait();
  EXPECT_EQ(count().value(), 0);
  looked.count_down();
}

TEST_F(ReadersTest, AChangeIsSeenOnceItIsAcknowledged) {
  for (int i = 1; i < 20; ++i) {
    ASSERT_TRUE(writer_->run([](Connection& db) { return db.run("INSERT INTO t VALUES(1)"); }, kNever));
    EXPECT_EQ(count().value(), i);
  }
}

TEST_F(ReadersTest, AReadWithoutAFreeConnectionGivesUpAtItsDeadline) {
  const auto inside = [this](Connection&) -> Status {
    const auto second = count(Deadline::in(milliseconds(1)));
    EXPECT_EQ(second.error().code, Code::timed_out);
    return ok();
  };
  EXPECT_TRUE(readers_->run(kNever, inside));
  EXPECT_TRUE(count()) << "the connection came back";
}

TEST_F(ReadersTest, ALongReadEndsAtItsDeadline) {
  const auto endless = [](Connection& db) {
    return db.integer(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
  };
  const auto ended = readers_->run(Deadline::in(milliseconds(500)), endless);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::timed_out);
  EXPECT_EQ(ended.error().message, "job store: interrupted: the deadline passed");
  EXPECT_EQ(count().value(), 0);
}

TEST_F(ReadersTest, AReaderCannotWrite) {
  const auto write = [](Connection& db) { return db.run("INSERT INTO t VALUES(1)"); };
  EXPECT_FALSE(readers_->run(kNever, write));
  EXPECT_EQ(count().value(), 0);
}

}  // namespace
}  // namespace loom::store::sqlite
