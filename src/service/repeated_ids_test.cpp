#include "service/repeated_ids.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace loom::service {
namespace {

RepeatedIds find(std::string_view text, std::size_t block) {
  RepeatedIdsFinder finder;
  for (std::size_t at = 0; at < text.size(); at += block) finder.add(text.substr(at, block));
  return finder.finish();
}

TEST(RepeatedIds, AreFoundWithTheirLinesWhereverTheTextIsCut) {
  constexpr std::string_view kText =
      ">a one\r\nMKV\n>b\nMKV>c\n\n> A two\nMKV\n>d first\x01"
      "b second\nMKV\n>c\n>a";
  for (std::size_t block = 1; block <= kText.size(); ++block) {
    const RepeatedIds found = find(kText, block);
    EXPECT_EQ(found.count, 3U) << block;
    EXPECT_EQ(words_of(found),
              "3 ids stand more than once: A (lines 1 and 6), b (lines 3 and 8), a (lines 1 and 11)")
        << block;
    EXPECT_TRUE(found.complete);
  }
}

TEST(RepeatedIds, NothingIsSaidOfWhatStandsOnce) {
  EXPECT_EQ(words_of(find("MKV\n>a\nMKV\n>ab\nMKV\n>\n>\n", 4)), "");
  EXPECT_EQ(words_of(find("", 4)), "");
}

TEST(RepeatedIds, AreCountedAllAndShownInPart) {
  std::string text;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 5000; ++i) text += fmt::format(">id{}\nMKV\n", i);
  const RepeatedIds found = find(text, 1000);
  EXPECT_EQ(found.count, 5000U);
  ASSERT_EQ(found.first.size(), RepeatedIds::kMostShown);
  EXPECT_EQ(found.first[1].id, "id1");
  EXPECT_EQ(found.first[1].first_line, 3U);
  EXPECT_EQ(found.first[1].line, 10003U);
  EXPECT_TRUE(words_of(found).ends_with(", …"));
}

}  // namespace
}  // namespace loom::service
