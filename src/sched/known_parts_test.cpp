#include "sched/known_parts.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/temp_dir.hpp"

namespace loom::sched {
namespace {

using search::PartRows;

class KnownPartsTest : public ::testing::Test {
 protected:
  [[nodiscard]] KnownParts open(std::uint64_t most_bytes = 1U << 20U) const { return {file_, most_bytes}; }

  TempDir dir_ = TempDir::create().value();
  std::filesystem::path file_ = dir_.path() / "parts" / "parts.sqlite";
};

TEST_F(KnownPartsTest, GivesBackRowsOfTheSameLettersInTheSameSurroundings) {
  const PartRows rows{"r1\ts1\n", "", std::string("\0\xff", 2)};
  {
    KnownParts parts = open();
    parts.keep("around", {{"MKV", rows}, {"AAA", {}}});
    EXPECT_EQ(parts.find("around", "MKV"), rows);
    EXPECT_EQ(parts.find("around", "AAA"), PartRows{});
    EXPECT_EQ(parts.find("aroundM", "KV"), std::nullopt);
    EXPECT_EQ(parts.find("other", "MKV"), std::nullopt);
  }
  KnownParts again = open();
  EXPECT_EQ(again.find("around", "MKV"), rows);
  EXPECT_EQ(again.counts().texts, 2U);
}

TEST_F(KnownPartsTest, WhatWasFoundLongestAgoGoesFirst) {
  KnownParts parts = open(5'000);
  const PartRows rows{std::string(1'000, 'x')};
  for (const char* letters : {"a", "b", "c", "d"}) parts.keep("s", {{letters, rows}});
  parts.keep("s", {{"a", rows}});  // found again
  parts.keep("s", {{"e", rows}});
  EXPECT_LE(parts.counts().bytes, 5'000U);
  EXPECT_EQ(parts.find("s", "b"), std::nullopt);
  for (const char* letters : {"a", "d", "e"}) EXPECT_TRUE(parts.find("s", letters)) << letters;
  parts.keep("s", {{"huge", {std::string(6'000, 'x')}}});
  EXPECT_EQ(parts.find("s", "huge"), std::nullopt);
  EXPECT_TRUE(parts.find("s", "e"));
}

TEST_F(KnownPartsTest, ADamagedFileIsBegunAnewAndZeroKeepsNothing) {
  open().keep("s", {{"a", {"rows"}}});
  std::ofstream(file_, std::ios::trunc) << std::string(8'192, 'x');
  KnownParts parts = open();
  EXPECT_EQ(parts.find("s", "a"), std::nullopt);
  parts.keep("s", {{"a", {"rows"}}});
  EXPECT_TRUE(parts.find("s", "a"));
  KnownParts none = open(0);
  none.keep("s", {{"a", {"rows"}}});
  EXPECT_EQ(none.find("s", "a"), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(KnownPartsTest, ManyThreadsMeetOnlyWholeRows) {
  KnownParts parts = open(40'000);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&parts, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string letters = std::to_string((i + t) % 20);
        const PartRows rows{letters, std::string(3'000, letters.front())};
        parts.keep("s", {{letters, rows}});
        const auto found = parts.find("s", letters);
        EXPECT_TRUE(!found || *found == rows);
      }
    });
  threads.clear();
  EXPECT_LE(parts.counts().bytes, 40'000U);
}

}  // namespace
}  // namespace loom::sched
