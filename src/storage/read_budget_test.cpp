#include "storage/read_budget.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "testkit/mem_object_store.hpp"

namespace loom::storage {
namespace {

const Deadline kNever = Deadline::never();

ObjectKey key(std::string_view text) {
  return ObjectKey::parse(text).value();
}

class Reads : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [name, text] : {std::pair<const char*, std::string>{"five", "12345"}, {"empty", ""}})
      ASSERT_TRUE(store_.put(key(name), std::as_bytes(std::span(text)), kNever));
  }
  testkit::MemObjectStore store_;
};

TEST_F(Reads, OneBudgetIsSharedByAllReadsOfARequest) {
  ReadBudget budget(12);
  EXPECT_TRUE(get(store_, key("five"), 5, budget, kNever));
  EXPECT_TRUE(get(store_, key("five"), 100, budget, kNever));
  const auto third = get(store_, key("five"), 100, budget, kNever);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::too_large);
  EXPECT_EQ(
      third.error().message,
      "object 'five' has 5 bytes, more than the 2 this read allows; all reads of this request may have 12 "
      "bytes together, of which 2 are left");
  EXPECT_EQ(budget.left(), 2U) << "a read that fails takes nothing";
  EXPECT_TRUE(get(store_, key("empty"), 0, budget, kNever));
}

TEST_F(Reads, ALimitOfOneReadIsSaidAsThat) {
  ReadBudget budget(100);
  const auto over = get(store_, key("five"), 4, budget, kNever);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().message, "object 'five' has 5 bytes, more than the 4 this read allows");
  EXPECT_EQ(get(store_, key("none"), 4, budget, kNever).error().code, Code::not_found);
}

TEST_F(Reads, AReaderNeverEndsEarlyInSilence) {
  const auto read_all = [&](std::uint64_t max_bytes, std::uint64_t bytes, std::size_t block) -> std::string {
    const auto reader =
        open_reader(store_, key("five"), max_bytes, std::make_shared<ReadBudget>(bytes), kNever);
    std::string text;
    std::vector<std::byte> part(block);
    for (;;) {
      const auto got = (*reader)->read(part, kNever);
      if (!got) return got.error().message;
      for (std::size_t i = 0; i < *got; ++i) text += static_cast<char>(part[i]);
      if (*got < block) return text;
    }
  };
  for (const std::size_t block : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{9}}) {
    EXPECT_EQ(read_all(5, 5, block), "12345") << block;
    EXPECT_EQ(read_all(4, 99, block), "object 'five' has more than the 4 bytes that this read allows")
        << block;
    EXPECT_NE(read_all(99, 4, block).find("all reads of this request may have 4 bytes together"),
              std::string::npos)
        << block;
  }
}

TEST_F(Reads, ReadsAtOnceNeverGetMoreThanTheBudgetTogether) {
  ReadBudget budget(std::uint64_t{5} * 37);
  std::atomic<int> got{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int read = 0; read < 20; ++read) got += get(store_, key("five"), 5, budget, kNever) ? 1 : 0;
      });
  }
  EXPECT_EQ(got, 37);
  EXPECT_EQ(budget.left(), 0U);
}

}  // namespace
}  // namespace loom::storage
