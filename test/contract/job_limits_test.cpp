// How many unfinished jobs a caller may have, at the scale that is meant: the whole way of a submit, over the
// real job store on disk. Nothing is searched, so that all of them stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "sched/scheduler.hpp"
#include "service/local_jobs.hpp"
#include "storage/files/files_object_store.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/level.hpp"

namespace loom::service {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const Caller kAnn{"ann", Role::user};
const Caller kBob{"bob", Role::user};

class JobLimits : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("BLASTDB", LOOM_TESTDATA "/db", 1);  // NOLINT(concurrency-mt-unsafe): there are no threads yet
  }

  void start(Limits limits) {
    for (const char* name : {"work", "uploads"}) fs::create_directory(folder_->path() / name);
    store_ = store::SqliteJobStore::open(folder_->path() / "jobs.sqlite").value();
    objects_ = storage::FilesObjectStore::open(folder_->path() / "objects").value();
    scheduler_ = sched::Scheduler::make(*store_, *objects_, runner_,
                                        {.work = folder_->path() / "work", .weights = {}});
    jobs_ = make_local_jobs({.store = *store_,
                             .objects = *objects_,
                             .scheduler = *scheduler_,
                             .runner = runner_,
                             .reader = reader_,
                             .databases = databases_,
                             .organisms = organisms_,
                             .limits = limits,
                             .uploads = folder_->path() / "uploads",
                             .hits = folder_->path() / "hits"});
  }

  Result<store::Submitted> submit(const Caller& caller) {
    LOOM_TRY(auto query, jobs_->begin_upload(caller));
    LOOM_CHECKED(query->write(">q\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEK\n"));
    return jobs_->submit(caller, {.program = "blastp", .database = "proteins_2k", .options = {}, .title = {}},
                         std::move(query), std::nullopt, Deadline::never());
  }

  /// By many at once, as over HTTP: the store keeps what comes together by one sync. How many were accepted.
  std::uint64_t submit_many(std::uint64_t count) {
    std::atomic<std::uint64_t> left = count;
    std::atomic<std::uint64_t> accepted = 0;
    std::vector<std::jthread> callers;
    for (int i = 0; i < 32; ++i)
      callers.emplace_back([&] {
        while (left.load() > 0) {
          if (std::uint64_t mine = left.load(); mine == 0 || !left.compare_exchange_strong(mine, mine - 1))
            continue;
          const auto submitted = submit(kAnn);
          if (submitted) ++accepted;
          EXPECT_TRUE(submitted) << submitted.error().message;
        }
      });
    callers.clear();  // waits
    return accepted;
  }

  /// One job of each of `count` threads. How many were accepted; the others were too many.
  std::uint64_t submit_at_once(const Caller& caller, int count) {
    std::atomic<std::uint64_t> accepted = 0;
    std::latch all_there(count);
    std::vector<std::jthread> callers;
    for (int i = 0; i < count; ++i)
      callers.emplace_back([&] {
        all_there.arrive_and_wait();
        const auto submitted = submit(caller);
        if (submitted)
          ++accepted;
        else
          EXPECT_EQ(submitted.error().code, Code::too_many) << submitted.error().message;
      });
    callers.clear();  // waits
    return accepted;
  }

  Result<TempDir> folder_ = TempDir::create();
  exec::LocalProcessRunner runner_;
  std::unique_ptr<store::SqliteJobStore> store_;
  std::unique_ptr<storage::ObjectStore> objects_;
  std::unique_ptr<sched::Scheduler> scheduler_;
  SequenceReader reader_{runner_, folder_->path()};
  DatabaseList databases_{catalog::Snapshots::open(folder_->path() / "databases").value()};
  Organisms organisms_{taxonomy_file(folder_->path()), runner_, databases_};
  std::unique_ptr<JobService> jobs_;
};

TEST_F(JobLimits, TenThousandJobsOfACallerAreAcceptedAndOfAnotherStillMore) {
  Limits limits;
  if (testkit::level() == testkit::Level::quick) limits.jobs_per_caller.most = 500;
  const std::uint64_t most = limits.jobs_per_caller.most;
  start(limits);
  EXPECT_EQ(submit_many(most), most);
  const auto next = submit(kAnn);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::too_many);
  EXPECT_THAT(
      next.error().message,
      HasSubstr(fmt::format("you have {} unfinished jobs, and this server takes {} of one caller (the "
                            "operator's setting limit-jobs-per-caller raises that)",
                            most, most)));
  EXPECT_TRUE(submit(kBob)) << "it is not his limit";
  EXPECT_EQ(store_->counts(Deadline::never()).value().at(static_cast<std::size_t>(store::JobState::queued)),
            most + 1);
  const auto first = jobs_->list(kAnn, {}, std::nullopt, 1, Deadline::never()).value().jobs.at(0).id;
  ASSERT_TRUE(jobs_->cancel(kAnn, first, Deadline::never()));
  EXPECT_TRUE(submit(kAnn)) << "one has ended";
  EXPECT_FALSE(submit(kAnn));
  const auto again = jobs_->retry(kAnn, first, Deadline::never());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::too_many) << "a retry is one more";
}

TEST_F(JobLimits, SubmitsThatComeAtOnceCannotPassItTogether) {
  Limits limits;
  limits.jobs_per_caller.most = 7;
  limits.jobs.most = 9;
  start(limits);
  EXPECT_EQ(submit_at_once(kAnn, 24), 7U) << "each that fits, and no other";
  EXPECT_EQ(submit_at_once(kBob, 24), 2U) << "of all callers";
}

TEST_F(JobLimits, OfAllCallersToo) {
  Limits limits;
  limits.jobs.most = 2;
  start(limits);
  EXPECT_TRUE(submit(kAnn));
  EXPECT_TRUE(submit(kBob));
  for (const Caller& caller : {kAnn, kBob}) {
    const auto next = submit(caller);
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, Code::too_many);
    EXPECT_THAT(next.error().message, HasSubstr("2 jobs are unfinished, and this server takes 2 (the "
                                                "operator's setting limit-jobs raises that)"));
  }
}

TEST_F(JobLimits, NoneIsZero) {
  Limits limits;
  for (Limit* limit :
       {&limits.jobs, &limits.jobs_per_caller, &limits.queries, &limits.letters, &limits.upload_bytes})
    limit->most = 0;
  start(limits);
  EXPECT_EQ(submit_many(20), 20U);
}

}  // namespace
}  // namespace loom::service
