#include "service/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <set>
#include <thread>

#include "base/sha256.hpp"
#include "base/temp_dir.hpp"

namespace loom::service {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string id_of(const std::string& secret) {
  return sha256_hex(secret + "/id").substr(0, 8);
}

class TokensTest : public testing::Test {
 protected:
  std::set<std::string> kept() {
    const auto list = Tokens(file_).list().value();
    std::set<std::string> ids;
    for (const Token& token : list) ids.insert(token.id);
    return ids;
  }

  TempDir folder_ = TempDir::create().value();
  const fs::path file_ = folder_.path() / "tokens.json";
};

TEST_F(TokensTest, NoChangeOfManyAtOnceIsLost) {
  constexpr std::size_t kThreads = 8;
  constexpr int kEach = 12;
  Tokens one(file_);  // each is as a process of its own: they share no lock but that of the file
  Tokens other(file_);
  std::vector<std::set<std::string>> stay(kThreads);
  {
    std::latch all_there(kThreads);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i] {
        Tokens& tokens = i % 2 == 0 ? one : other;
        all_there.arrive_and_wait();
        for (int made = 0; made < kEach; ++made) {
          const auto secret = tokens.create("ann", Role::user);
          ASSERT_TRUE(secret) << secret.error().message;
          if (made % 2 == 0) {
            stay[i].insert(id_of(*secret));
            continue;
          }
          const Status removed = tokens.remove(id_of(*secret));
          EXPECT_TRUE(removed) << removed.error().message;
        }
      });
  }
  std::set<std::string> all;
  for (const auto& of_one : stay) all.insert(of_one.begin(), of_one.end());
  EXPECT_EQ(all.size(), kThreads * kEach / 2);
  EXPECT_EQ(kept(), all) << "none is lost, and none that was removed comes back";
}

TEST_F(TokensTest, WhatAnotherChangesIsSeenThoughTheTimeOfTheFileIsTheSame) {
  Tokens reads(file_);
  Tokens changes(file_);
  const std::string secret = changes.create("ann", Role::user).value();
  const auto when = fs::last_write_time(file_);
  ASSERT_TRUE(reads.find(secret).value().has_value());
  ASSERT_TRUE(changes.remove(id_of(secret)));
  fs::last_write_time(file_, when);
  EXPECT_FALSE(reads.find(secret).value().has_value());
}

TEST_F(TokensTest, WithoutItsLockNothingIsChangedAndAllIsRead) {
  Tokens tokens(file_);
  const std::string secret = tokens.create("ann", Role::user).value();
  const fs::path lock = file_.string() + ".lock";
  fs::remove(lock);
  fs::create_directory(lock);
  const auto made = tokens.create("bob", Role::user);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr(lock.string()));
  const Status removed = tokens.remove(id_of(secret));
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message, HasSubstr(lock.string()));
  EXPECT_EQ(kept(), std::set{id_of(secret)});
}

}  // namespace
}  // namespace loom::service
