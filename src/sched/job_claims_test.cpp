#include "sched/job_claims.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/temp_dir.hpp"

namespace loom::sched {
namespace {

TEST(JobClaims, OneServerHasAJobUntilItsLastClaimGoes) {
  const auto dir = TempDir::create().value();
  const auto one = JobClaims::open(dir.path() / "claims").value();
  const auto two = JobClaims::open(dir.path() / "claims").value();
  const auto job = store::JobId::random();
  auto first = JobClaims::take(one, job);
  ASSERT_TRUE(first);
  auto again = JobClaims::take(one, job);
  EXPECT_TRUE(again);
  EXPECT_FALSE(JobClaims::take(two, job));
  EXPECT_TRUE(JobClaims::take(two, store::JobId::random()));
  first.reset();
  EXPECT_FALSE(JobClaims::take(two, job));
  again.reset();
  EXPECT_TRUE(JobClaims::take(two, job));
}

TEST(JobClaims, AServerThatIsKilledHasNoneAnyMore) {
  const auto dir = TempDir::create().value();
  const auto job = store::JobId::random();
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto claims = JobClaims::open(dir.path() / "claims").value();
    const auto held = JobClaims::take(claims, job);
    if (held && ::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char got = 0;
  ASSERT_EQ(::read(ready[0], &got, 1), 1);
  const auto claims = JobClaims::open(dir.path() / "claims").value();
  EXPECT_FALSE(JobClaims::take(claims, job));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(JobClaims::take(claims, job));
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace loom::sched
