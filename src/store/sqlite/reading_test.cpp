// A store that another one writes, opened for reading only.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <stdexcept>

#include "base/log.hpp"
#include "base/mutex.hpp"
#include "base/temp_dir.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/never.hpp"

namespace loom::store {
namespace {

// Only look() is what makes it look.
const SqliteJobStore::Options kOnlyAsked{.look_every = std::chrono::hours(1)};

/// Counts, and waits for, what a thread of the store tells.
class Told {
 public:
  void once() {
    const MutexLock lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void wait_for(int count) {
    const MutexLock lock(mutex_);
    while (count_ < count) changed_.wait(mutex_);
  }
  int count() {
    const MutexLock lock(mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ GUARDED_BY(mutex_) = 0;
};

class ReadingTest : public ::testing::Test {
 protected:
  Job submit() {
    NewJob job;
    job.query = ">q\nM\n";
    return writer_->submit(job, {}, UnixTime{}, kNever).value().job;
  }
  std::unique_ptr<SqliteJobStore> reading(const SqliteJobStore::Options& options = kOnlyAsked) {
    return SqliteJobStore::open_reading(path_, options).value();
  }
  Result<TempDir> dir_ = TempDir::create();
  std::filesystem::path path_ = dir_->path() / "jobs.sqlite";
  std::unique_ptr<SqliteJobStore> writer_ = SqliteJobStore::open(path_).value();
};

TEST_F(ReadingTest, SeesWhatTheOtherCommitsAndGoesOnWithoutIt) {
  const Job before = submit();
  const auto store = reading();
  EXPECT_EQ(store->get(before.id, kNever).value(), before);
  const Job after = submit();
  EXPECT_EQ(store->get(after.id, kNever).value(), after);
  EXPECT_EQ(store->last_order(kNever).value(), 2U);
  writer_.reset();
  EXPECT_EQ(store->query(after.id, kNever).value(), ">q\nM\n");
  writer_ = SqliteJobStore::open(path_).value();
  const Job later = submit();
  EXPECT_EQ(store->get(later.id, kNever).value(), later);
}

TEST_F(ReadingTest, RefusesEveryChange) {
  const Job job = submit();
  const auto store = reading();
  EXPECT_EQ(store->submit({}, {}, UnixTime{}, kNever).error().code, Code::forbidden);
  EXPECT_EQ(store->cancel(job.id, UnixTime{}, kNever).error().code, Code::forbidden);
  EXPECT_EQ(store->remove(job.id, kNever).error().code, Code::forbidden);
  EXPECT_EQ(store->try_lead("beat", "me", UnixTime{}, UnixTime{}, kNever).error().code, Code::forbidden);
  const std::array ends{WholeEnd{.job = job.id}, WholeEnd{.job = job.id}};
  const auto ended = store->end_whole(ends, UnixTime{}, kNever);
  ASSERT_EQ(ended.size(), 2U);
  for (const auto& one : ended) EXPECT_EQ(one.error().code, Code::forbidden);
  EXPECT_EQ(store->get(job.id, kNever).value(), job);
}

TEST_F(ReadingTest, IsToldOfCommitsUponALookAndOnceWhenItBegins) {
  Told told;
  const auto store = reading();
  submit();
  store->on_commit([&told] { told.once(); });
  told.wait_for(1);  // somebody may have committed since the listener read the store
  submit();
  store->look();
  told.wait_for(2);
  store->on_commit({});
  EXPECT_EQ(told.count(), 2);
}

TEST_F(ReadingTest, LooksByItselfToo) {
  Told told;
  const auto store = reading({.look_every = std::chrono::milliseconds(1)});
  store->on_commit([&told] { told.once(); });
  told.wait_for(1);
  submit();
  told.wait_for(2);
  store->on_commit({});
}

TEST_F(ReadingTest, WhoThrowsWhenToldIsToldAgainAndTheLogSaysItOnce) {
  Told told;
  auto store = reading();
  log::set_level(log::Level::info);
  testing::internal::CaptureStderr();
  store->on_commit([&told] {
    told.once();
    if (told.count() < 3) throw std::runtime_error("not now");
  });
  for (int times = 1; times <= 3; ++times) {
    told.wait_for(times);
    store->look();
  }
  store.reset();
  const std::string said = testing::internal::GetCapturedStderr();
  log::set_level(log::Level::warning);
  const auto failed = said.find("event=store.watch_failed reason=\"not now\"");
  EXPECT_NE(failed, std::string::npos) << said;
  EXPECT_EQ(said.find("event=store.watch_failed", failed + 1), std::string::npos) << said;
  EXPECT_NE(said.find("event=store.watch_works"), std::string::npos) << said;
}

TEST_F(ReadingTest, ReadsOnlyAStoreOfTodaysTables) {
  writer_.reset();
  const auto set_version = [&](const char* sql) {
    const auto db = sqlite::Connection::open(path_, sqlite::Connection::Mode::write).value();
    ASSERT_TRUE(db->run_script(sql));
  };
  set_version("PRAGMA user_version=1");
  const auto old = SqliteJobStore::open_reading(path_);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::conflict);
  EXPECT_NE(old.error().message.find("start the server that writes it"), std::string::npos);
  set_version("PRAGMA user_version=99");
  EXPECT_EQ(SqliteJobStore::open_reading(path_).error().code, Code::conflict);
}

TEST_F(ReadingTest, MakesNoStoreWhereThereIsNone) {
  const auto nowhere = dir_->path() / "other.sqlite";
  EXPECT_EQ(SqliteJobStore::open_reading(nowhere).error().code, Code::not_found);
  EXPECT_FALSE(std::filesystem::exists(nowhere));
}

}  // namespace
}  // namespace loom::store
