#include "search/slots.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>

namespace loom::search {
namespace {

Job quick(std::atomic<int>& count) {
  return {1, [&count](std::stop_token) -> Status {
            ++count;
            return ok();
          }};
}

TEST(Slots, RunsEveryJobOnce) {
  std::atomic<int> count = 0;
  std::vector<Job> jobs;
  for (int j = 0; j < 100; ++j) jobs.push_back(quick(count));
  Slots slots(4, std::move(jobs), {});
  ASSERT_TRUE(slots.wait_all());
  EXPECT_EQ(count, 100);
}

TEST(Slots, NeverGivesOutMoreSlotsThanThereAre) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::vector<Job> jobs;
  for (int j = 0; j < 60; ++j) {
    const int threads = 1 + (j % 3);
    jobs.push_back({threads, [&running, &most, threads](std::stop_token) -> Status {
                      const int now = running += threads;
                      int seen = most;
                      while (now > seen && !most.compare_exchange_weak(seen, now)) {
                      }
                      running -= threads;
                      return ok();
                    }});
  }
  Slots slots(3, std::move(jobs), {});
  ASSERT_TRUE(slots.wait_all());
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 1);
}

TEST(Slots, AFailureStopsTheOthersAndIsWhatWaitTells) {
  std::latch both_run(2);
  std::vector<Job> jobs;
  jobs.push_back({1, [&both_run](std::stop_token stop) -> Status {
                    both_run.arrive_and_wait();
                    std::latch stopped(1);
                    const std::stop_callback on_stop(stop, [&stopped] { stopped.count_down(); });
                    stopped.wait();  // ends only because the other job fails
                    return error(Code::cancelled, "stopped");
                  }});
  jobs.push_back({1, [&both_run](std::stop_token) -> Status {
                    both_run.arrive_and_wait();
                    return error(Code::disk_full, "task 2: no space");
                  }});
  std::atomic<int> later = 0;
  jobs.push_back(quick(later));
  Slots slots(2, std::move(jobs), {});
  const Status status = slots.wait(0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "task 2: no space");
  EXPECT_EQ(later, 0);
}

TEST(Slots, WhatAJobThrowsIsItsFailure) {
  std::vector<Job> jobs;
  jobs.push_back({1, [](std::stop_token) -> Status { throw std::runtime_error("no room for the hits"); }});
  std::atomic<int> later = 0;
  jobs.push_back(quick(later));
  Slots slots(1, std::move(jobs), {});
  const Status status = slots.wait_all();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::internal);
  EXPECT_EQ(status.error().message, "no room for the hits");
  EXPECT_EQ(later, 0);
}

TEST(Slots, AStopRequestReachesWaiters) {
  std::stop_source source;
  std::vector<Job> jobs;
  jobs.push_back({1, [](std::stop_token stop) -> Status {
                    std::latch stopped(1);
                    const std::stop_callback on_stop(stop, [&stopped] { stopped.count_down(); });
                    stopped.wait();
                    return error(Code::cancelled, "stopped");
                  }});
  Slots slots(1, std::move(jobs), source.get_token());
  source.request_stop();
  const Status status = slots.wait(0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::cancelled);
}

}  // namespace
}  // namespace loom::search
