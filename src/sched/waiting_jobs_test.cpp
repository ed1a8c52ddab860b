#include "sched/waiting_jobs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace loom::sched {
namespace {

class WaitingJobsTest : public ::testing::Test {
 protected:
  ActivePtr add(std::string owner, std::int32_t priority = 0, std::string company = "") {
    store::Job job{.id = store::JobId::random()};
    job.request.owner = std::move(owner);
    job.request.priority = priority;
    JobSpec spec{.options = blast::Options(blast::Program::blastn), .snapshot = {}};
    auto active = std::make_shared<ActiveJob>(ActiveJob{.job = job, .spec = spec, .folder = {}});
    active->number = ++last_;
    active->company = std::move(company);
    jobs_.add(active);
    return active;
  }
  ActivePtr add_for(const std::string& database) {
    ActivePtr job = add("ann");
    jobs_.remove(job);
    job->job.request.database = database;
    jobs_.add(job);
    return job;
  }
  std::vector<std::uint64_t> heads() {
    std::vector<std::uint64_t> numbers;
    for (const std::string_view owner : jobs_.owners())
      for (const ActivePtr& job : jobs_.heads(owner)) numbers.push_back(job->number);
    std::ranges::sort(numbers);
    return numbers;
  }
  using Numbers = std::vector<std::uint64_t>;
  WaitingJobs jobs_;
  std::uint64_t last_ = 0;
};

TEST_F(WaitingJobsTest, OffersTheOldestOfEachOwnerAndPriority) {
  const auto first = add("ann");
  add("ann");
  add("bob");
  add("ann", 5);
  add("bob");
  EXPECT_EQ(heads(), (Numbers{1, 3, 4}));
  jobs_.remove(first);
  jobs_.remove(first);
  EXPECT_EQ(heads(), (Numbers{2, 3, 4}));
  EXPECT_EQ(jobs_.size(), 4U);
}

TEST_F(WaitingJobsTest, PlacesAJobAmongItsOwners) {
  const auto one = add("ann");
  add("bob");
  const auto urgent = add("ann", 1);
  const auto last = add("ann");
  EXPECT_EQ(jobs_.place(*urgent), 1U);
  EXPECT_EQ(jobs_.place(*one), 2U);
  EXPECT_EQ(jobs_.place(*last), 3U);
  jobs_.remove(urgent);
  EXPECT_EQ(jobs_.place(*last), 2U);
}

TEST_F(WaitingJobsTest, OffersTheOldestOfEachDatabase) {
  const auto first = add_for("nt");
  add_for("nt");
  const auto third = add_for("nr");
  EXPECT_EQ(heads(), (Numbers{1, 3}));
  EXPECT_EQ(jobs_.place(*third), 3U) << "the line is one, whatever they search";
  jobs_.remove(first);
  EXPECT_EQ(heads(), (Numbers{2, 3}));
  EXPECT_EQ(jobs_.place(*third), 2U);
}

TEST_F(WaitingJobsTest, KnowsWhoMayRideTogether) {
  const auto first = add("ann", 0, "blastn nt");
  add("bob", 0, "blastn nt");
  add("bob", 0, "blastn other");
  add("bob");
  EXPECT_EQ(jobs_.riders("blastn nt").size(), 2U);
  jobs_.remove(first);
  EXPECT_EQ(jobs_.riders("blastn nt").begin()->first, 2U);
  first->alone = true;
  jobs_.add(first);
  EXPECT_EQ(jobs_.riders("blastn nt").size(), 1U) << "what goes alone is nobody's rider";
  EXPECT_TRUE(jobs_.riders("blastp").empty());
  jobs_.remove(first);
  EXPECT_EQ(jobs_.size(), 3U);
}

}  // namespace
}  // namespace loom::sched
