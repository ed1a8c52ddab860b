#include "sched/beat_tasks.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/temp_dir.hpp"
#include "sched/beat.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/manual_clock.hpp"

namespace loom::sched {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class BeatTasksTest : public ::testing::Test {
 protected:
  store::UnixTime wall() {
    return store::UnixTime(hours(480000)) +
           std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - Instant());
  }
  /// Another server leads for so long from now on.
  void other_leads(seconds how_long) {
    const auto lead =
        store_->try_lead(BeatTasks::kLeader, "other", wall(), wall() + how_long, Deadline::never());
    ASSERT_TRUE(lead);
    ASSERT_EQ(lead->holder, "other");
  }
  void other_is_refused() {
    const auto lead = store_->try_lead(BeatTasks::kLeader, "other", wall(), wall(), Deadline::never());
    ASSERT_TRUE(lead);
    EXPECT_NE(lead->holder, "other");
  }
  BeatTasks hourly() {
    return {
        store_.get(),
        {{.name = "count", .every = hours(1), .run = [this]() -> Result<std::uint64_t> { return ++runs_; }}},
        clock_,
        [this] { return wall(); }};
  }
  /// As the thread of a beat would until then.
  void run_until(BeatTasks& tasks, Duration since_start) {
    while (tasks.next() - Instant() <= since_start) {
      clock_.advance(std::max(tasks.next() - clock_.now(), Duration(0)));
      tasks.run_first();
      ++tries_;
    }
  }

  testkit::ManualClock clock_;
  TempDir folder_ = TempDir::create().value();
  std::unique_ptr<store::JobStore> store_ =
      store::SqliteJobStore::open(folder_.path() / "jobs.sqlite").value();
  std::uint64_t runs_ = 0;
  int tries_ = 0;
};

TEST_F(BeatTasksTest, RunsAtOnceAndThenOnceEachPeriodWhereNobodyElseLeads) {
  BeatTasks tasks = hourly();
  run_until(tasks, minutes(1));
  EXPECT_EQ(runs_, 1U);
  EXPECT_NE(tasks.report().find(R"("leader":true)"), std::string::npos) << tasks.report();
  run_until(tasks, hours(11));
  EXPECT_GE(runs_, 10U);
  EXPECT_LE(runs_, 12U);
}

TEST_F(BeatTasksTest, WhatATaskThrowsIsItsFailureAndTheOthersGoOn) {
  BeatTasks tasks(
      {},
      {{.name = "throws",
        .every = hours(1),
        .run = []() -> Result<std::uint64_t> { throw std::runtime_error("no memory for that"); }},
       {.name = "count", .every = hours(1), .run = [this]() -> Result<std::uint64_t> { return ++runs_; }}},
      clock_, [this] { return wall(); });
  run_until(tasks, hours(3));
  EXPECT_GE(runs_, 2U);
  EXPECT_NE(tasks.report().find(R"("last_error":"no memory for that")"), std::string::npos) << tasks.report();
}

TEST_F(BeatTasksTest, AfterARestartHourlyTasksRunWhenTheLeaseOfTheOldServerEnds) {
  other_leads(BeatTasks::kTerm);  // it was killed just now
  BeatTasks tasks = hourly();
  run_until(tasks, seconds(119));
  EXPECT_EQ(runs_, 0U);
  EXPECT_NE(tasks.report().find(R"("leader":false)"), std::string::npos) << tasks.report();
  run_until(tasks, seconds(140));
  EXPECT_EQ(runs_, 1U);
  run_until(tasks, minutes(60));
  EXPECT_EQ(runs_, 1U) << "then each hour again";
}

TEST_F(BeatTasksTest, WhoResignsLeavesTheLeadToTheNextAtOnce) {
  BeatTasks first = hourly();
  run_until(first, seconds(2));
  BeatTasks second = hourly();
  first.resign();
  run_until(second, clock_.now() - Instant() + seconds(2));
  EXPECT_EQ(runs_, 2U);
  first.resign();  // it does not lead any more, so it ends nothing
  other_is_refused();
}

TEST_F(BeatTasksTest, StandsBackWhileAnotherServerLeadsAndDoesNotAskAllTheTime) {
  other_leads(BeatTasks::kTerm);
  BeatTasks tasks = hourly();
  for (int minute = 1; minute <= 60; ++minute) {
    run_until(tasks, minutes(minute));
    clock_.advance(minutes(minute) - (clock_.now() - Instant()));
    other_leads(BeatTasks::kTerm);
  }
  EXPECT_EQ(runs_, 0U);
  EXPECT_LE(tries_, 61);
  run_until(tasks, minutes(63));
  EXPECT_EQ(runs_, 1U) << "the other is gone";
}

TEST_F(BeatTasksTest, TriesAgainWithinATermWhateverTheOtherServersClockSays) {
  other_leads(hours(24));
  BeatTasks tasks = hourly();
  run_until(tasks, seconds(2));
  EXPECT_LE(tasks.next() - clock_.now(), BeatTasks::kTerm * 11 / 10);
}

TEST_F(BeatTasksTest, WithoutLeasesTasksRunWhoeverLeads) {
  other_leads(BeatTasks::kTerm);
  std::uint64_t runs = 0;
  BeatTasks tasks(
      nullptr,
      {{.name = "own", .every = hours(1), .run = [&runs]() -> Result<std::uint64_t> { return ++runs; }}},
      clock_, [this] { return wall(); });
  run_until(tasks, std::chrono::seconds(2));
  EXPECT_EQ(runs, 1U);
  EXPECT_NE(tasks.report().find(R"("leader":false)"), std::string::npos) << tasks.report();
  tasks.resign();
}

TEST_F(BeatTasksTest, WhatWasToldLateIsAddedWhenTheJobHasItsOwnMetrics) {
  const Deadline never = Deadline::never();
  store::NewJob wish;
  wish.query_key = "q";
  const store::JobId id = store_->submit(wish, {}, wall(), never)->job.id;
  std::vector<Late> said;
  const Periodic backfill = metrics_backfill(*store_, [&](const CountLate& count) -> Result<std::uint64_t> {
    said.push_back(count(id, {.cpu_seconds = 2, .wall_seconds = 3, .peak_bytes = 50}));
    return std::uint64_t{said.back() == Late::done};
  });
  ASSERT_TRUE(store_->start(id, std::vector<store::NewTask>(1), wall(), never));
  EXPECT_EQ(backfill.run().value(), 0U) << "it runs";
  const auto leased = store_->lease_tasks(id, "here", 1, wall() + hours(1), wall(), never);
  ASSERT_TRUE(store_->finish_task(leased->front().lease, "out",
                                  {.cpu_seconds = 10, .wall_seconds = 20, .peak_bytes = 7, .letters = 5},
                                  wall(), never));
  ASSERT_TRUE(store_->move_job(id, store::JobState::merging, {}, wall(), never));
  ASSERT_TRUE(store_->move_job(id, store::JobState::completed, {}, wall(), never));
  EXPECT_EQ(backfill.run().value(), 2U) << "its own, and then what came late";
  EXPECT_EQ(store_->get(id, never)->metrics, (store::RuntimeMetrics{12, 23, 50, 5}));
  EXPECT_EQ(said, (std::vector{Late::not_yet, Late::done}));
  ASSERT_TRUE(store_->remove(id, never));
  EXPECT_EQ(backfill.run().value(), 1U) << "nobody's";
}

}  // namespace
}  // namespace loom::sched
