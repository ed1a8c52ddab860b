#include "service/checksums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "base/sha256.hpp"
#include "sched/job_keys.hpp"
#include "testkit/forwarding_object_store.hpp"
#include "testkit/mem_object_store.hpp"
#include "testkit/never.hpp"

namespace loom::service {
namespace {

using storage::ObjectInfo;
using storage::ObjectKey;
using storage::ObjectReader;

const Deadline kPast = Deadline::at(Instant::min());

/// Objects in memory that are read no further than the gate lets them, and counts how often one is opened.
class GatedStore final : public testkit::ForwardingObjectStore {
 public:
  using ForwardingObjectStore::ForwardingObjectStore;
  Result<std::unique_ptr<ObjectReader>> open_reader(const ObjectKey& key, Deadline deadline) override {
    {
      std::unique_lock lock(mutex_);
      ++opened_;
      if (std::exchange(throws_, false)) throw std::runtime_error("no memory for that");
      if (!changed_.wait_until(lock,
                               std::min(deadline.when(), Instant::clock::now() + std::chrono::minutes(2)),
                               [this] { return open_; }))
        return error(Code::timed_out, "the deadline passed");
    }
    return ForwardingObjectStore::open_reader(key, deadline);
  }

  void set_gate(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  /// The next reader is not opened.
  void throw_once() {
    const std::lock_guard lock(mutex_);
    throws_ = true;
  }
  int opened() {
    const std::lock_guard lock(mutex_);
    return opened_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  bool throws_ = false;
  int opened_ = 0;
};

class ChecksumsTest : public testing::Test {
 protected:
  ObjectInfo put(std::string_view text) {
    EXPECT_TRUE(store_.put(key_, std::as_bytes(std::span(text)), kNever));
    return store_.stat(key_, kNever).value();
  }

  static constexpr std::uint64_t kSmall = 10;
  testkit::MemObjectStore objects_;
  GatedStore store_{objects_};
  const ObjectKey key_ = sched::output_key(store::JobId::parse(std::string(32, 'a')).value());
  const std::string large_ = "more than ten bytes";
};

TEST_F(ChecksumsTest, WhatTheStoreThrowsIsAnErrorAndTheNextIsReadAgain) {
  Checksums sums(store_, 0);
  const ObjectInfo info = put(large_);
  store_.throw_once();
  // The object of the kept sum is not opened but got: so it is the reader of the content that throws.
  const auto failed = sums.get(info, kNever);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::internal);
  EXPECT_EQ(failed.error().message, "no memory for that");
  EXPECT_EQ(sums.get(info, kNever).value(), sha256_hex(large_));
}

TEST_F(ChecksumsTest, EachContentHasItsOwnThoughItIsAsLong) {
  Checksums sums(store_, kSmall);
  const ObjectInfo first = put("aaa");
  EXPECT_EQ(sums.get(first, kNever).value(), sha256_hex("aaa"));
  EXPECT_EQ(sums.get(first, kNever).value(), sha256_hex("aaa"));
  EXPECT_EQ(store_.opened(), 1) << "it is known then";
  const ObjectInfo second = put("bbb");
  EXPECT_EQ(sums.get(second, kNever).value(), sha256_hex("bbb"));
  EXPECT_EQ(sums.get(first, kPast).value(), sha256_hex("aaa"));
}

TEST_F(ChecksumsTest, ALargeOneComesLaterAndIsKept) {
  const ObjectInfo info = put(large_);
  store_.set_gate(false);
  {
    Checksums sums(store_, kSmall);
    EXPECT_EQ(sums.get(info, kPast).value(), "");
    EXPECT_EQ(sums.get(info, Deadline::in(std::chrono::milliseconds(1))).value(), "") << "it is being read";
    store_.set_gate(true);
    EXPECT_EQ(sums.get(info, kNever).value(), sha256_hex(large_));
    EXPECT_EQ(store_.opened(), 1) << "once for all who asked";
  }
  store_.set_gate(false);
  Checksums later(store_, kSmall);
  EXPECT_EQ(later.get(info, kNever).value(), sha256_hex(large_)) << "another server reads what is kept";
  store_.set_gate(true);
  std::string other = large_;
  std::ranges::reverse(other);
  EXPECT_EQ(later.get(put(other), kNever).value(), sha256_hex(other)) << "which is not of this content";
}

TEST_F(ChecksumsTest, ASmallOneOfASlowStoreComesLaterToo) {
  const ObjectInfo info = put("aaa");
  store_.set_gate(false);
  Checksums sums(store_, kSmall);
  EXPECT_EQ(sums.get(info, Deadline::in(std::chrono::milliseconds(1))).value(), "");
  store_.set_gate(true);
  EXPECT_EQ(sums.get(info, kNever).value(), sha256_hex("aaa"));
}

TEST_F(ChecksumsTest, WhatIsReplacedOrRemovedMeanwhileIsSaid) {
  Checksums sums(store_, kSmall);
  for (const std::string& text : {std::string("aaa"), large_}) {
    const ObjectInfo old = put(text);
    put(text + '!');
    EXPECT_EQ(sums.get(old, kNever).error().code, Code::conflict);
    ASSERT_TRUE(store_.remove(key_, kNever));
    EXPECT_EQ(sums.get(old, kNever).error().code, Code::not_found);
  }
}

}  // namespace
}  // namespace loom::service
