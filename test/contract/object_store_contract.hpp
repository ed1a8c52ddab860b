#pragma once
// The contract of ObjectStore (storage/object_store.hpp) as a typed suite: every implementation and every
// fake instantiates it with a Kind, which is default-constructible and has `ObjectStore& store()`, empty at
// first.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "storage/object_store.hpp"
#include "testkit/never.hpp"

namespace loom::storage::contract {

inline ObjectKey key(std::string_view text) {
  return ObjectKey::parse(text).value();
}
inline std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text(std::span<const std::byte> bytes) {
  std::string result;
  for (const std::byte b : bytes) result += static_cast<char>(b);
  return result;
}

template <class Kind>
class ObjectStoreContract : public ::testing::Test {
 protected:
  ObjectStore& store() { return kind_.store(); }
  void put(std::string_view name, std::string_view body) {
    const Status done = store().put(key(name), bytes(body), kNever);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string get(std::string_view name) {
    const auto got = store().get(key(name), 1U << 20U, kNever);
    return got ? text(*got) : std::string(loom::name(got.error().code));
  }
  /// "key:size key:size"
  std::string list(std::string_view prefix, std::string_view after = "", std::size_t max_count = 100) {
    const auto page = store().list(prefix, after, max_count, kNever);
    if (!page) return page.error().message;
    std::string all;
    for (const ObjectInfo& info : *page) all += fmt::format("{}:{} ", info.key.str(), info.size_bytes);
    return all;
  }

 private:
  Kind kind_;
};

TYPED_TEST_SUITE_P(ObjectStoreContract);

TYPED_TEST_P(ObjectStoreContract, GivesBackWhatWasPutAndReplaces) {
  const std::string binary("\0\xff\n", 3);
  this->put("jobs/j1/result", binary);
  EXPECT_EQ(this->get("jobs/j1/result"), binary);
  this->put("jobs/j1/result", "");
  EXPECT_EQ(this->get("jobs/j1/result"), "");
}

TYPED_TEST_P(ObjectStoreContract, AMissingObjectIsNotFoundByName) {
  this->put("a/b", "x");
  for (const char* missing : {"none", "a", "a/b/c", "a/c"}) {
    const auto got = this->store().get(key(missing), 1, kNever);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Code::not_found);
    EXPECT_NE(got.error().message.find(missing), std::string::npos);
    EXPECT_EQ(this->store().stat(key(missing), kNever).error().code, Code::not_found);
    EXPECT_EQ(this->store().open_reader(key(missing), kNever).error().code, Code::not_found);
  }
}

TYPED_TEST_P(ObjectStoreContract, ReadsNothingPastMaxBytes) {
  this->put("k", "12345");
  EXPECT_TRUE(this->store().get(key("k"), 5, kNever));
  const auto over = this->store().get(key("k"), 4, kNever);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::too_large);
  EXPECT_EQ(over.error().message, "object 'k' has 5 bytes, more than the 4 this read allows");
}

TYPED_TEST_P(ObjectStoreContract, StatTellsTheSize) {
  this->put("k", "12345");
  const auto info = this->store().stat(key("k"), kNever);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size_bytes, 5U);
  EXPECT_EQ(info->key, key("k"));
}

TYPED_TEST_P(ObjectStoreContract, EachPutIsAnotherVersionWhichStatAndListTellAlike) {
  const auto version = [this] {
    const std::string told = this->store().stat(key("k"), kNever).value().version;
    EXPECT_EQ(this->store().list("k", "", 1, kNever).value().at(0).version, told);
    return told;
  };
  std::set<std::string> seen;
  for (const auto* body : {"12345", "54321", "12345"}) {
    this->put("k", body);
    const std::string told = version();
    EXPECT_TRUE(seen.insert(told).second) << told;
    EXPECT_EQ(version(), told) << "nobody has put anything";
    EXPECT_EQ(told.find_first_of("\" "), std::string::npos) << told;
  }
}

TYPED_TEST_P(ObjectStoreContract, AWriterShowsNothingBeforeItsCommit) {
  this->put("k", "old");
  auto writer = this->store().open_writer(key("k"), kNever);
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->write(bytes("new "), kNever));
  ASSERT_TRUE((*writer)->write(bytes("body"), kNever));
  EXPECT_EQ(this->get("k"), "old");
  ASSERT_TRUE((*writer)->commit(kNever));
  EXPECT_EQ(this->get("k"), "new body");
}

TYPED_TEST_P(ObjectStoreContract, ADroppedWriterLeavesTheKeyAsItWas) {
  this->put("k", "old");
  {
    auto writer = this->store().open_writer(key("k"), kNever);
    ASSERT_TRUE(writer && (*writer)->write(bytes("new"), kNever));
    auto other = this->store().open_writer(key("fresh/k"), kNever);
    ASSERT_TRUE(other && (*other)->write(bytes("new"), kNever));
  }
  EXPECT_EQ(this->list(""), "k:3 ");
  EXPECT_EQ(this->get("k"), "old");
}

TYPED_TEST_P(ObjectStoreContract, AReaderKeepsTheObjectItOpened) {
  this->put("k", "first body");
  auto reader = this->store().open_reader(key("k"), kNever);
  ASSERT_TRUE(reader);
  std::vector<std::byte> part(6);
  ASSERT_EQ(*(*reader)->read(part, kNever), 6U);
  EXPECT_EQ(text(part), "first ");
  this->put("k", "second");
  ASSERT_TRUE(this->store().remove(key("k"), kNever));
  ASSERT_EQ(*(*reader)->read(part, kNever), 4U);
  EXPECT_EQ(text(part).substr(0, 4), "body");
  EXPECT_EQ(*(*reader)->read(part, kNever), 0U);
}

TYPED_TEST_P(ObjectStoreContract, AReaderSkipsToAPlace) {
  this->put("k", "0123456789");
  auto reader = this->store().open_reader(key("k"), kNever);
  ASSERT_TRUE(reader);
  std::vector<std::byte> part(2);
  ASSERT_TRUE((*reader)->skip(3, kNever));
  ASSERT_EQ(*(*reader)->read(part, kNever), 2U);
  EXPECT_EQ(text(part), "34");
  ASSERT_TRUE((*reader)->skip(0, kNever));
  ASSERT_TRUE((*reader)->skip(5, kNever));
  EXPECT_EQ(*(*reader)->read(part, kNever), 0U);
  auto past = this->store().open_reader(key("k"), kNever);
  EXPECT_EQ((*past)->skip(11, kNever).error().code, Code::corrupt);
}

TYPED_TEST_P(ObjectStoreContract, ListsByPrefixInKeyOrderAPageAtATime) {
  for (const char* name : {"a/b", "a-b", "a0", "b/c/d", "a/c/e", "a/c/d"}) this->put(name, name);
  EXPECT_EQ(this->list(""), "a-b:3 a/b:3 a/c/d:5 a/c/e:5 a0:2 b/c/d:5 ");
  EXPECT_EQ(this->list("a/"), "a/b:3 a/c/d:5 a/c/e:5 ");
  EXPECT_EQ(this->list("a/c"), "a/c/d:5 a/c/e:5 ");
  EXPECT_EQ(this->list("a/c/d"), "a/c/d:5 ");
  EXPECT_EQ(this->list("a", "", 2), "a-b:3 a/b:3 ");
  EXPECT_EQ(this->list("a", "a/b", 2), "a/c/d:5 a/c/e:5 ");
  EXPECT_EQ(this->list("a", "a/c/e", 2), "a0:2 ");
  EXPECT_EQ(this->list("none/"), "");
  EXPECT_EQ(this->list("../"), "");
}

TYPED_TEST_P(ObjectStoreContract, ListsFromAnyPlaceInAnyPagesTheSame) {
  for (const char* name : {"b", "a0/x", "a/c", "a/bb/c", "a/b/d/e", "a/b/c", "a-b/x"}) this->put(name, "1");
  const std::string from_bb = "a/bb/c:1 a/c:1 a0/x:1 b:1 ";
  const std::string all = "a-b/x:1 a/b/c:1 a/b/d/e:1 " + from_bb;
  EXPECT_EQ(this->list("a/b"), "a/b/c:1 a/b/d/e:1 a/bb/c:1 ") << "the prefix ends within a name";
  EXPECT_EQ(this->list("a/b/"), "a/b/c:1 a/b/d/e:1 ");
  EXPECT_EQ(this->list("a/c/"), "") << "an object is no folder";
  EXPECT_EQ(this->list("a/b/c/d/"), "");
  for (const char* none : {"/", "a//", "a/./", "a/b/../", "."}) EXPECT_EQ(this->list(none), "") << none;
  // No object is called so.
  EXPECT_EQ(this->list("", "a"), all);
  EXPECT_EQ(this->list("", "a/"), "a/b/c:1 a/b/d/e:1 " + from_bb);
  EXPECT_EQ(this->list("", "a/b/d"), "a/b/d/e:1 " + from_bb);
  EXPECT_EQ(this->list("", "a/b/d/"), "a/b/d/e:1 " + from_bb);
  EXPECT_EQ(this->list("", "a/b/~"), from_bb);
  EXPECT_EQ(this->list("", "a/b0"), from_bb);
  EXPECT_EQ(this->list("", "a0"), "a0/x:1 b:1 ");
  EXPECT_EQ(this->list("a/b/", "a-b/x"), "a/b/c:1 a/b/d/e:1 ") << "before all of the prefix";
  EXPECT_EQ(this->list("a/b/", "a/b/c", 1), "a/b/d/e:1 ");
  EXPECT_EQ(this->list("a/b/", "a/bb"), "") << "behind all of it";
  for (std::size_t size = 1; size <= 8; ++size) {
    std::string pages;
    std::string after;
    for (std::size_t got = size; got == size;) {
      const auto page = this->store().list("", after, size, kNever);
      ASSERT_TRUE(page) << page.error().message;
      for (const ObjectInfo& info : *page) pages += fmt::format("{}:{} ", info.key.str(), info.size_bytes);
      got = page->size();
      if (got > 0) after = page->back().key.str();
    }
    EXPECT_EQ(pages, all) << size;
  }
}

TYPED_TEST_P(ObjectStoreContract, RemoveIsIdempotentAndFreesTheFolderName) {
  this->put("a/b/c", "x");
  ASSERT_TRUE(this->store().remove(key("a/b"), kNever)) << "no object of that name";
  EXPECT_EQ(this->get("a/b/c"), "x");
  for (int again = 0; again < 2; ++again) ASSERT_TRUE(this->store().remove(key("a/b/c"), kNever));
  EXPECT_EQ(this->get("a/b/c"), "not_found");
  this->put("a", "now an object");
  EXPECT_EQ(this->get("a"), "now an object");
}

TYPED_TEST_P(ObjectStoreContract, AKeyIsNoFolderOfAnother) {
  this->put("a/b", "x");
  EXPECT_EQ(this->store().put(key("a"), bytes("y"), kNever).error().code, Code::conflict);
  EXPECT_EQ(this->store().put(key("a/b/c"), bytes("y"), kNever).error().code, Code::conflict);
  EXPECT_EQ(this->store().put(key("a/b/c/d"), bytes("y"), kNever).error().code, Code::conflict);
  EXPECT_EQ(this->list(""), "a/b:1 ");
}

TYPED_TEST_P(ObjectStoreContract, PastTheDeadlineNothingHappens) {
  this->put("k", "x");
  const Deadline past = Deadline::at(steady_clock().now());
  ObjectStore& store = this->store();
  EXPECT_EQ(store.put(key("n"), bytes("y"), past).error().code, Code::timed_out);
  EXPECT_EQ(store.get(key("k"), 9, past).error().code, Code::timed_out);
  EXPECT_EQ(store.open_reader(key("k"), past).error().code, Code::timed_out);
  EXPECT_EQ(store.open_writer(key("k"), past).error().code, Code::timed_out);
  EXPECT_EQ(store.stat(key("k"), past).error().code, Code::timed_out);
  EXPECT_EQ(store.list("", "", 1, past).error().code, Code::timed_out);
  EXPECT_EQ(store.remove(key("k"), past).error().code, Code::timed_out);
  EXPECT_EQ(this->list(""), "k:1 ");
}

TYPED_TEST_P(ObjectStoreContract, WritersAndRemoversOfOneFolderDoNotDisturbEachOther) {
  constexpr int kRounds = 40;
  const auto work = [this](const std::string& name) {
    for (int round = 0; round < kRounds; ++round) {
      const Status put = this->store().put(key(name), bytes(name), kNever);
      ASSERT_TRUE(put) << put.error().message;
      ASSERT_TRUE(this->store().remove(key(name), kNever));
    }
    ASSERT_TRUE(this->store().put(key(name), bytes(name), kNever));
  };
  {
    const std::jthread one(work, "f/g/1");
    const std::jthread two(work, "f/g/2");
    const std::jthread three(work, "f/3");
  }
  EXPECT_EQ(this->list(""), "f/3:3 f/g/1:5 f/g/2:5 ");
}

REGISTER_TYPED_TEST_SUITE_P(ObjectStoreContract, GivesBackWhatWasPutAndReplaces,
                            AMissingObjectIsNotFoundByName, ReadsNothingPastMaxBytes, StatTellsTheSize,
                            EachPutIsAnotherVersionWhichStatAndListTellAlike,
                            AWriterShowsNothingBeforeItsCommit, ADroppedWriterLeavesTheKeyAsItWas,
                            AReaderKeepsTheObjectItOpened, AReaderSkipsToAPlace,
                            ListsByPrefixInKeyOrderAPageAtATime, ListsFromAnyPlaceInAnyPagesTheSame,
                            RemoveIsIdempotentAndFreesTheFolderName, AKeyIsNoFolderOfAnother,
                            PastTheDeadlineNothingHappens,
                            WritersAndRemoversOfOneFolderDoNotDisturbEachOther);

}  // namespace loom::storage::contract
