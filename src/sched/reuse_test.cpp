#include "sched/reuse.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "base/temp_dir.hpp"

namespace loom::sched {
namespace {

namespace fs = std::filesystem;

const std::string kQuery(64, 'a');
const std::string kOther(64, 'b');

class ReuseTest : public ::testing::Test {
 protected:
  [[nodiscard]] Reuse open(std::uint64_t most_bytes = 1U << 20U) const {
    return Reuse({.folder = folder_, .most_bytes = most_bytes});
  }
  static void keep(Reuse& reuse, const std::string& key, std::string_view output,
                   std::string_view messages = "", const std::string& query = kQuery) {
    reuse.keep(key, query, output, messages);
  }
  /// "output|messages", or "none".
  static std::string find(Reuse& reuse, const std::string& key, const std::string& query = kQuery) {
    const auto found = reuse.find(key, query);
    if (!found) return "none";
    std::string output(found->output_bytes + 10, '\0');
    const std::size_t got = found->read(0, std::as_writable_bytes(std::span(output))).value();
    return output.substr(0, got) + "|" + found->messages;
  }
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& file : fs::directory_iterator(folder_)) all.push_back(file.path());
    return all;
  }

  TempDir dir_ = TempDir::create().value();
  fs::path folder_ = dir_.path() / "reuse";
};

TEST_F(ReuseTest, GivesBackWhatWasKeptToTheSameKeyOnly) {
  Reuse reuse = open();
  EXPECT_FALSE(reuse.may_have(kQuery));
  keep(reuse, "key 1", std::string_view("rows\0x", 6), "said");
  keep(reuse, "key 2", "", "", kOther);
  EXPECT_TRUE(reuse.may_have(kQuery));
  EXPECT_EQ(find(reuse, "key 1"), std::string("rows\0x|said", 11));
  EXPECT_EQ(find(reuse, "key 2", kOther), "|");
  EXPECT_EQ(find(reuse, "key 2"), "none");
  EXPECT_EQ(find(reuse, "key 3"), "none");
  keep(reuse, "key 1", "newer");
  EXPECT_EQ(find(reuse, "key 1"), "newer|");
  EXPECT_EQ(reuse.counts().entries, 2U);
}

TEST_F(ReuseTest, KeepsLargeOutputsAndReadsAnywhereInThem) {
  Reuse reuse = open();
  const std::string large(300'000, 'x');
  keep(reuse, "key", large + "end");
  const auto found = reuse.find("key", kQuery);
  ASSERT_TRUE(found);
  std::string tail(10, '\0');
  EXPECT_EQ(found->read(large.size(), std::as_writable_bytes(std::span(tail))).value(), 3U);
  EXPECT_EQ(tail.substr(0, 3), "end");
}

TEST_F(ReuseTest, SurvivesARestartAndForgetsWhatWasHalfWritten) {
  {
    Reuse reuse = open();
    keep(reuse, "key", "rows", "said");
  }
  std::ofstream(folder_ / "x.part") << "half";
  Reuse again = open();
  EXPECT_EQ(find(again, "key"), "rows|said");
  EXPECT_EQ(files().size(), 1U);
  EXPECT_EQ(again.counts().bytes, fs::file_size(files().front()));
}

TEST_F(ReuseTest, WhatIsDamagedIsNotThere) {
  Reuse reuse = open();
  for (const int change : {0, 20, 60, 114, 119, 125, -1}) {
    keep(reuse, "key", "some rows", "said");
    const fs::path file = files().at(0);
    std::string bytes;
    {
      std::ifstream in(file, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    if (change < 0)
      bytes.pop_back();
    else
      bytes[static_cast<std::size_t>(change)] ^= 1;
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    EXPECT_EQ(find(reuse, "key"), "none") << change;
    EXPECT_TRUE(files().empty()) << change;
    EXPECT_EQ(reuse.counts().bytes, 0U) << change;
  }
}

TEST_F(ReuseTest, WhatWasUsedLongestAgoGoesFirst) {
  const std::string output(1'000, 'x');
  Reuse reuse = open(3'600);  // three of them
  for (const char* key : {"a", "b", "c"}) keep(reuse, key, output);
  EXPECT_NE(find(reuse, "a"), "none");
  keep(reuse, "d", output);
  EXPECT_EQ(find(reuse, "b"), "none");
  for (const char* key : {"a", "c", "d"}) EXPECT_NE(find(reuse, key), "none") << key;
  EXPECT_LE(reuse.counts().bytes, 3'600U);
  EXPECT_EQ(files().size(), 3U);
  keep(reuse, "huge", std::string(4'000, 'x'));
  EXPECT_EQ(find(reuse, "huge"), "none");
  EXPECT_EQ(reuse.counts().entries, 3U) << "what fits nowhere pushes nothing out";
}

TEST_F(ReuseTest, KeepsNothingAtZero) {
  {
    Reuse reuse = open();
    keep(reuse, "key", "rows");
  }
  Reuse none = open(0);
  keep(none, "key", "rows");
  EXPECT_EQ(find(none, "key"), "none");
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(ReuseTest, ManyThreadsMeetOnlyWholeAnswers) {
  Reuse reuse = open(20'000);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&reuse, t] {
      for (int i = 0; i < 300; ++i) {
        const std::string key = std::to_string((i + t) % 40);
        keep(reuse, key, std::string(1'000, key.front()), key);
        const std::string got = find(reuse, key);
        EXPECT_TRUE(got == "none" || got == std::string(1'000, key.front()) + "|" + key);
      }
    });
  threads.clear();
  EXPECT_LE(reuse.counts().bytes, 20'000U);
}

}  // namespace
}  // namespace loom::sched
