#include "store/sqlite/writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <latch>

#include "base/temp_dir.hpp"
#include "testkit/never.hpp"

namespace loom::store::sqlite {
namespace {

/// A writer on a table of numbers.
class WriterTest : public ::testing::Test {
 protected:
  static constexpr Writer::Limits kLimits{.waiting = 8, .group = 100};
  void SetUp() override {
    auto db = Connection::open(path_, Connection::Mode::write).value();
    ASSERT_TRUE(
        db->run_script("CREATE TABLE t(x INTEGER UNIQUE, y REFERENCES t(x) DEFERRABLE INITIALLY DEFERRED)"));
    writer_.emplace(std::move(db), kLimits);
  }
  static Writer::Change insert(int x) {
    return [x](Connection& db) { return db.run("INSERT INTO t(x) VALUES(?)", x); };
  }
  /// All of `changes` in one group: the writer is held until all wait.
  std::vector<Status> in_one_group(const std::vector<Writer::Change>& changes, Deadline deadline = kNever) {
    std::vector<Status> outcomes(changes.size());
    std::latch held(1);
    std::latch begun(1);
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      const Status done = writer_->run(
          [&](Connection&) {
            begun.count_down();
            held.wait();
            return ok();
          },
          kNever);
      EXPECT_TRUE(done);
    });
    begun.wait();
    for (std::size_t i = 0; i < changes.size(); ++i) {
      threads.emplace_back([&, i] { outcomes[i] = writer_->run(changes[i], deadline); });
      while (writer_->waiting() != i + 1) std::this_thread::yield();
    }
    held.count_down();
    threads.clear();
    return outcomes;
  }
  std::string numbers() {
    std::string all;
    const auto db = Connection::open(path_, Connection::Mode::read).value();
    auto rows = db->query("SELECT x FROM t ORDER BY x").value();
    while (rows.step().value() == Step::row) all += rows.text() + " ";
    return all;
  }
  Result<TempDir> dir_ = TempDir::create();
  std::filesystem::path path_ = dir_->path() / "t.db";
  std::optional<Writer> writer_;
};

TEST_F(WriterTest, OneBadChangeAmongGoodOnesIsUndoneAlone) {
  const auto half = [](Connection& db) -> Status {
    LOOM_CHECKED(db.run("INSERT INTO t(x) VALUES(70)"));
    return error(Code::conflict, "no");
  };
  const auto thrower = [](Connection& db) -> Status {
    LOOM_CHECKED(db.run("INSERT INTO t(x) VALUES(80)"));
    throw std::bad_alloc();
  };
  int commits = 0;
  writer_->on_commit([&commits] { ++commits; });
  const auto outcomes = in_one_group({insert(1), insert(1), half, thrower, insert(2)});
  EXPECT_EQ(commits, 2) << "the holder's, and one for all five";
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(outcomes[1].error().code, Code::internal) << "UNIQUE";
  EXPECT_EQ(outcomes[2].error().message, "no");
  EXPECT_EQ(outcomes[3].error().code, Code::out_of_memory);
  EXPECT_TRUE(outcomes[4]);
  EXPECT_EQ(numbers(), "1 2 ");
}

TEST_F(WriterTest, AFailedCommitFailsAllOfItsGroupAndTheWriterGoesOn) {
  const auto orphan = [](Connection& db) { return db.run("INSERT INTO t(x, y) VALUES(5, 99)"); };
  const auto refused = [](Connection&) -> Status { return error(Code::not_found, "own"); };
  const auto outcomes = in_one_group({insert(1), orphan, refused});
  for (const int i : {0, 1}) {
    ASSERT_FALSE(outcomes[static_cast<std::size_t>(i)]);
    EXPECT_EQ(outcomes[static_cast<std::size_t>(i)].error().message,
              "commit: job store: FOREIGN KEY constraint failed");
  }
  EXPECT_EQ(outcomes[2].error().message, "own");
  EXPECT_EQ(numbers(), "");
  EXPECT_TRUE(writer_->run(insert(3), kNever));
  EXPECT_EQ(numbers(), "3 ");
}

TEST_F(WriterTest, ChangesThatEndTheTransactionFailTheGroup) {
  const auto rude = [](Connection& db) { return db.run("ROLLBACK"); };
  const auto outcomes = in_one_group({insert(1), rude, insert(2)});
  for (const Status& outcome : outcomes) EXPECT_EQ(outcome.error().code, Code::internal);
  EXPECT_EQ(numbers(), "");
  EXPECT_TRUE(writer_->run(insert(3), kNever));
}

TEST_F(WriterTest, AFullDiskIsToldAndUndone) {
  ASSERT_TRUE(writer_->run(
      [](Connection& db) {
        const auto pages = db.integer("PRAGMA page_count").value();
        return db.run_script(fmt::format("PRAGMA max_page_count = {}", pages).c_str());
      },
      kNever));
  const auto flood = [](Connection& db) -> Status {
    for (int i = 100; i < 5000; ++i) LOOM_CHECKED(db.run("INSERT INTO t(x) VALUES(?)", i));
    return ok();
  };
  const Status full = writer_->run(flood, kNever);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::disk_full);
  EXPECT_NE(full.error().message.find("free space"), std::string::npos) << full.error().message;
  EXPECT_EQ(numbers(), "");
}

TEST_F(WriterTest, PastItsDeadlineAChangeDoesNotBegin) {
  const auto outcomes = in_one_group({insert(1)}, Deadline::at(steady_clock().now()));
  EXPECT_EQ(outcomes[0].error().code, Code::timed_out);
  EXPECT_EQ(numbers(), "");
}

TEST_F(WriterTest, RefusesWhatTheQueueCannotHold) {
  std::vector<Writer::Change> changes;
  for (int i = 0; i < 8; ++i) changes.push_back(insert(i));
  Status refused;
  // The first of the group enqueues nothing itself: it only asks, while eight wait behind the holder.
  std::latch asked(1);
  std::latch begun(1);
  std::vector<std::jthread> threads;
  threads.emplace_back([&] {
    EXPECT_TRUE(writer_->run(
        [&](Connection&) {
          begun.count_down();
          asked.wait();
          return ok();
        },
        kNever));
  });
  begun.wait();
  for (const Writer::Change& change : changes)
    threads.emplace_back([&] { EXPECT_TRUE(writer_->run(change, kNever)); });
  while (writer_->waiting() != kLimits.waiting) std::this_thread::yield();
  refused = writer_->run(insert(99), kNever);
  asked.count_down();
  threads.clear();
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_EQ(numbers(), "0 1 2 3 4 5 6 7 ");
}

TEST_F(WriterTest, OfManyAtOnceOnlyThoseWithoutRoomAreRefused) {
  std::latch all_wait(1);
  std::latch begun(1);
  std::jthread holder([&] {
    EXPECT_TRUE(writer_->run(
        [&](Connection&) {
          begun.count_down();
          all_wait.wait();
          return ok();
        },
        kNever));
  });
  begun.wait();
  std::vector<Writer::Change> changes;
  for (int i = 0; i < 10; ++i) changes.push_back(insert(i));
  auto outcomes = std::async(std::launch::async, [&] { return writer_->run_all(changes, kNever); });
  while (writer_->waiting() != kLimits.waiting) std::this_thread::yield();
  all_wait.count_down();
  const auto done = outcomes.get();
  ASSERT_EQ(done.size(), 10U);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_TRUE(done[i]) << i;
  for (std::size_t i = 8; i < 10; ++i) EXPECT_EQ(done[i].error().code, Code::unavailable) << i;
  EXPECT_EQ(numbers(), "0 1 2 3 4 5 6 7 ");
}

TEST_F(WriterTest, ItsEndFinishesWhatWaits) {
  std::latch begun(1);
  std::thread caller([&] {
    EXPECT_TRUE(writer_->run(
        [&](Connection& db) {
          begun.count_down();
          return db.run("INSERT INTO t(x) VALUES(1)");
        },
        kNever));
  });
  begun.wait();
  writer_.reset();
  caller.join();
  EXPECT_EQ(numbers(), "1 ");
}

}  // namespace
}  // namespace loom::store::sqlite
