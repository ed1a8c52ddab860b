#include "plan/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace loom::plan {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

Workload proteins(std::size_t units, std::uint64_t database_letters = 9'000'000) {
  Workload work;
  for (std::size_t u = 0; u < units; ++u) {
    work.units.push_back(
        {.first_record = u * 40, .records = 40, .letters = 10'000, .offset = u * 12'000, .bytes = 12'000});
  }
  work.database_letters = database_letters;
  work.database_bytes = database_letters;
  work.database_sequences = 20'000;
  return work;
}

void expect_covers(const std::vector<Task>& tasks, std::size_t units) {
  std::size_t next = 0;
  for (const Task& task : tasks) {
    EXPECT_EQ(task.first_unit, next);
    EXPECT_LT(task.first_unit, task.last_unit);
    next = task.last_unit;
  }
  EXPECT_EQ(next, units);
}

TEST(Planner, ManyBatchesBecomeTasksThatShrink) {
  const Plan plan = make_plan(proteins(200), {.workers = 2, .memory_bytes = 8192 * kMiB});
  expect_covers(plan.searches, 200);
  EXPECT_EQ(plan.shards, 1);
  EXPECT_GT(plan.searches.size(), 4U);
  EXPECT_GE(plan.searches.front().seconds, plan.searches.back().seconds);
  EXPECT_EQ(plan.searches.back().last_unit - plan.searches.back().first_unit, 1U) << "the tail is one batch";
}

TEST(Planner, OddBatchesRunFirstOnAllWorkers) {
  const Plan plan = make_plan(proteins(13), {.workers = 4, .memory_bytes = 8192 * kMiB});
  expect_covers(plan.searches, 13);
  EXPECT_EQ(plan.searches.front().threads, 4);
  EXPECT_TRUE(std::all_of(plan.searches.begin() + 1, plan.searches.end(),
                          [](const Task& t) { return t.threads == 1; }));
}

TEST(Planner, AShortLastBatchRunsLastOnAllWorkers) {
  Workload work = proteins(3);
  work.units.back().letters = 5'000;
  const Plan plan = make_plan(work, {.workers = 2, .memory_bytes = 8192 * kMiB});
  expect_covers(plan.searches, 3);
  ASSERT_EQ(plan.searches.size(), 3U);
  EXPECT_EQ(plan.searches[0].threads, 1);
  EXPECT_EQ(plan.searches[1].threads, 1);
  EXPECT_EQ(plan.searches[2].threads, 2);
}

TEST(Planner, AsManyBatchesAsWorkersRunOneEach) {
  const Plan plan = make_plan(proteins(4), {.workers = 4, .memory_bytes = 8192 * kMiB});
  EXPECT_EQ(plan.searches.size(), 4U);
  EXPECT_TRUE(std::ranges::all_of(plan.searches, [](const Task& t) { return t.threads == 1; }));
}

TEST(Planner, OneBatchUsesTheEnginesThreads) {
  const Plan plan = make_plan(proteins(1), {.workers = 8, .memory_bytes = 8192 * kMiB});
  ASSERT_EQ(plan.searches.size(), 1U);
  EXPECT_EQ(plan.searches[0].threads, 8);
}

Workload reads(std::size_t units) {
  Workload work = proteins(units, 700'000'000);
  work.program = blast::Program::blastn;
  for (auto& unit : work.units) unit.letters = 50'000;
  return work;
}

TEST(Planner, FewReadsUseTheEnginesThreadsAndManyAreCutEvenly) {
  const Plan few = make_plan(reads(15), {.workers = 2, .memory_bytes = 8192 * kMiB});
  ASSERT_EQ(few.searches.size(), 1U);
  EXPECT_EQ(few.searches[0].threads, 2);
  const Plan many = make_plan(reads(300), {.workers = 2, .memory_bytes = 8192 * kMiB});
  expect_covers(many.searches, 300);
  EXPECT_GE(many.searches.size(), 2U);
}

TEST(Planner, ShortMemoryMakesSmallTasksOfReads) {
  const Plan roomy = make_plan(reads(300), {.workers = 2, .memory_bytes = 8192 * kMiB});
  const Plan tight = make_plan(reads(300), {.workers = 2, .memory_bytes = 160 * kMiB});
  EXPECT_GT(tight.shards, 1);
  expect_covers(tight.searches, 300);
  EXPECT_GT(tight.searches.size(), 4 * roomy.searches.size());
}

TEST(Planner, HoweverLittleMemoryThereIsAPartHasASequence) {
  Workload work = proteins(4);
  work.database_sequences = 7;
  for (const std::uint64_t memory : {0U, 1U, 1000U})
    EXPECT_EQ(make_plan(work, {.workers = 2, .memory_bytes = memory}).shards, 7) << memory;
}

TEST(Planner, OneTaskOfReadsSharesOutTheParts) {
  Workload work = reads(9);
  work.task = "blastn";
  work.database_bytes = 300 * kMiB;
  const Plan plan = make_plan(work, {.workers = 2, .memory_bytes = 400 * kMiB});
  ASSERT_EQ(plan.searches.size(), 1U);
  EXPECT_EQ(plan.searches[0].threads, 1);
  EXPECT_EQ(plan.shards, 6) << "two at once, and the next one, fill 0.5 x 400 MiB";
}

TEST(Planner, ATinySearchIsOneTaskOnOneThread) {
  const Plan plan = make_plan(proteins(1, 10'000), {.workers = 8, .memory_bytes = 8192 * kMiB});
  ASSERT_EQ(plan.searches.size(), 1U);
  EXPECT_EQ(plan.searches[0].threads, 1);
}

TEST(Planner, WhatForbidsACutIsObeyedAndNamed) {
  Workload work = proteins(50);
  work.one_piece_because = "-out_pssm writes one file for the run";
  work.whole_database_because = "-culling_limit compares hits across subjects";
  const Plan plan = make_plan(work, {.workers = 2, .memory_bytes = 8192 * kMiB, .shards = 4});
  EXPECT_EQ(plan.searches.size(), 1U);
  EXPECT_EQ(plan.shards, 1);
  EXPECT_TRUE(std::any_of(plan.reasons.begin(), plan.reasons.end(), [](const std::string& r) {
    return r.find("-culling_limit") != std::string::npos;
  }));
}

TEST(Planner, ADatabasePastMemoryIsReadShardByShard) {
  Workload work = proteins(50, 4000 * kMiB);
  work.database_sequences = 1'000'000;
  const Plan plan = make_plan(work, {.workers = 2, .memory_bytes = 1024 * kMiB});
  EXPECT_EQ(plan.shards, 18) << "4000 MiB in parts of which two fill 0.5 x 1024 MiB";
  expect_covers(plan.searches, 50);
}

TEST(Planner, BatchLettersSetsTheSizeOfTasks) {
  const Plan plan =
      make_plan(proteins(10), {.workers = 2, .memory_bytes = 8192 * kMiB, .batch_letters = 20'000});
  EXPECT_EQ(plan.searches.size(), 5U);
}

TEST(Planner, ShardsAreNeverMoreThanSequences) {
  Workload work = proteins(2);
  work.database_sequences = 3;
  EXPECT_EQ(make_plan(work, {.workers = 2, .memory_bytes = 8192 * kMiB, .shards = 9}).shards, 3);
}

}  // namespace
}  // namespace loom::plan
