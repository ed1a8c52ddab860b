// How many unfinished jobs a caller may have, at the scale that is meant: the whole way of a submit, over the
// real job store on disk. Nothing is searched, so that all of them stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "local_service.hpp"
#include "testkit/level.hpp"

namespace loom::service {
namespace {

using testing::HasSubstr;

const Caller kAnn{"ann", Role::user};
const Caller kBob{"bob", Role::user};

class JobLimits : public LocalServiceTest {
 protected:
  void start(const Limits& limits) { make({}, runner_, *files_, limits); }

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
