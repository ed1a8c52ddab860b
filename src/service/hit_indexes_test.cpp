#include "service/hit_indexes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <vector>

#include "base/temp_dir.hpp"
#include "blast/outfmt.hpp"
#include "sched/job_keys.hpp"
#include "testkit/mem_object_store.hpp"
#include "testkit/never.hpp"

namespace loom::service {
namespace {

using Index = std::shared_ptr<results::HitIndex>;

constexpr std::string_view kRow = "q1\ts1\t90.0\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\n";

store::JobId job(int number) {
  return store::JobId::parse(fmt::format("{:032x}", number)).value();
}

class HitIndexesTest : public testing::Test {
 protected:
  Result<Index> get(HitIndexes& indexes, int number) {
    const auto open = [this]() -> Result<std::unique_ptr<storage::ObjectReader>> {
      if (throws_.exchange(false)) throw std::runtime_error("no memory for that");
      return storage::text_reader(std::string(kRow));
    };
    const auto format = blast::parse_outfmt(blast::Program::blastp, "6").value();
    return indexes.get(job(number),
                       storage::ObjectKey::parse(sched::prefix_of(job(number)) + "hits/1").value(),
                       {.open = open, .layout = results::Layout::of(format).value()}, kNever);
  }
  /// Those of jobs 0 to `count` - 1 that are open.
  static std::vector<int> open_ones(HitIndexes& indexes, int count) {
    std::vector<int> found;
    for (int number = 0; number < count; ++number)
      if (indexes.find(job(number))) found.push_back(number);
    return found;
  }

  TempDir folder_ = TempDir::create().value();
  testkit::MemObjectStore objects_;
  std::atomic<bool> throws_ = false;  // the next source does, when it is opened
  const std::filesystem::path hits_ = folder_.path() / "hits";
};

TEST_F(HitIndexesTest, PastTheBoundOfTheirNumberTheLongestUnusedAreClosed) {
  HitIndexes indexes(objects_, hits_, {}, {.open = 3});
  for (int number = 0; number < 3; ++number) ASSERT_TRUE(get(indexes, number));
  ASSERT_TRUE(get(indexes, 0)) << "used again: the second is the oldest now";
  ASSERT_TRUE(get(indexes, 3));
  EXPECT_EQ(open_ones(indexes, 4), (std::vector{0, 2, 3}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(hits_), {}), 3);
  EXPECT_TRUE(get(indexes, 1)) << "it is opened again";
}

TEST_F(HitIndexesTest, ThoseInUseStay) {
  HitIndexes indexes(objects_, hits_, {}, {.open = 2});
  auto read = get(indexes, 0);
  ASSERT_TRUE(read);
  for (int number = 1; number < 5; ++number) ASSERT_TRUE(get(indexes, number));
  EXPECT_EQ(open_ones(indexes, 5), (std::vector{0, 4}));
  EXPECT_TRUE((*read)->hits({}, kNever));
  read = Index();
  for (int number = 5; number < 7; ++number) ASSERT_TRUE(get(indexes, number));
  EXPECT_EQ(open_ones(indexes, 7), (std::vector{5, 6})) << "it is not in use any more";
}

TEST_F(HitIndexesTest, PastTheBoundOfBytesOnlyWhatIsAskedForStays) {
  HitIndexes indexes(objects_, hits_, {}, {.bytes = 1});
  for (int number = 0; number < 3; ++number) ASSERT_TRUE(get(indexes, number));
  EXPECT_EQ(open_ones(indexes, 3), (std::vector{2}));
}

TEST_F(HitIndexesTest, WhoWaitsIsToldOfTheStop) {
  std::promise<void> opened;
  std::promise<void> go_on;
  HitIndexes indexes(objects_, hits_, {});  // its thread uses them to the end
  const auto open = [&]() -> Result<std::unique_ptr<storage::ObjectReader>> {
    opened.set_value();
    go_on.get_future().wait();
    return storage::text_reader(std::string(kRow));
  };
  auto waiting = std::async(std::launch::async, [&] {
    return indexes.get(job(0), storage::ObjectKey::parse("jobs/a/hits").value(), {.open = open, .layout = {}},
                       kNever);
  });
  opened.get_future().wait();
  indexes.stop();
  const auto told = waiting.get();
  go_on.set_value();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Code::unavailable);
}

TEST_F(HitIndexesTest, WhatASourceThrowsIsAnErrorAndTheNextTimeItIsMade) {
  HitIndexes indexes(objects_, hits_, {});
  throws_ = true;
  const auto failed = get(indexes, 0);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::internal);
  EXPECT_EQ(failed.error().message, "no memory for that");
  EXPECT_TRUE(get(indexes, 0));
}

}  // namespace
}  // namespace loom::service
