#include "storage/object_store.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/temp_dir.hpp"
#include "testkit/mem_object_store.hpp"
#include "testkit/never.hpp"

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

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Files, ComeBackAsTheyWent) {
  const auto dir = TempDir::create();
  const std::string text(kBlock + 7, 'x');
  std::ofstream(dir->path() / "from", std::ios::binary) << text;
  testkit::MemObjectStore store;
  const ObjectKey key = *ObjectKey::parse("a");
  ASSERT_TRUE(put_file(store, key, dir->path() / "from", kNever));
  ASSERT_TRUE(get_file(store, key, dir->path() / "to", kNever));
  EXPECT_EQ(content(dir->path() / "to"), text);
}

TEST(Files, WhatIsLeftOfAReaderIsCopied) {
  const auto dir = TempDir::create();
  const auto reader = text_reader("abc");
  ASSERT_TRUE(reader->skip(1, kNever));
  ASSERT_TRUE(copy_to_file(*reader, dir->path() / "to", kNever));
  EXPECT_EQ(content(dir->path() / "to"), "bc");
}

TEST(Files, OfAFailureNothingStays) {
  const auto dir = TempDir::create();
  testkit::MemObjectStore store;
  const auto absent = get_file(store, *ObjectKey::parse("a"), dir->path() / "to", kNever);
  EXPECT_EQ(absent.error().code, Code::not_found);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = copy_to_file(*text_reader("abc"), dir->path() / "to", kNever, stop.get_token());
  EXPECT_EQ(stopped.error().code, Code::cancelled);
  EXPECT_FALSE(std::filesystem::exists(dir->path() / "to"));
}

}  // namespace
}  // namespace loom::storage
