#include "storage/object_store.hpp"

#include <gtest/gtest.h>

namespace loom::storage {
namespace {

TEST(ObjectKey, TakesSegmentsOfPrintableText) {
  for (const std::string& text : {std::string("a"), std::string("jobs/j1/task 0.asn"),
                                  std::string("a/b..c/~"), std::string(200, 'x')}) {
    const auto key = ObjectKey::parse(text);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->str(), text);
  }
}

TEST(ObjectKey, RefusesWhatCouldLeaveTheStoreOrHideInIt) {
  const std::string nul("a\0b", 3);
  for (const std::string& text :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string(".."),
        std::string("a/../b"), std::string("a/."), std::string(".hidden"), std::string("a."),
        std::string("a /b"), std::string("a\\b"), std::string("a\nb"), nul, std::string("\xc3\xa9"),
        std::string(201, 'x')}) {
    const auto key = ObjectKey::parse(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code, Code::invalid_argument);
  }
  std::string deep = "a";
  while (deep.size() <= 1024) deep += "/a";
  EXPECT_FALSE(ObjectKey::parse(deep));
}

TEST(ObjectKey, MessagesNeverCarryTheRawBytes) {
  EXPECT_EQ(ObjectKey::parse("a\x1b[2J").error().message,
            "object key 'a?[2J' has a byte that is not printable ASCII, or '\\'");
}

}  // namespace
}  // namespace loom::storage
