// Thousands of random operations on a JobStore and on a plain model side by side: after each they must have
// answered alike, and what was touched must look alike.
#include "job_store_model.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "base/temp_dir.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/never.hpp"

namespace loom::store {
namespace {

constexpr int kOperations = 3000;
constexpr std::size_t kMostJobs = 25;

/// One run of random operations. A clock goes on with each of them, in small steps so that times collide.
class Comparison {
 public:
  Comparison(JobStore& store, unsigned seed) : store_(store), random_(seed) {}

  void step() {
    now_ += std::chrono::milliseconds(pick(3));
    switch (pick(16)) {
      case 0:
      case 1:
        return submit();
      case 2:
      case 3:
        return start();
      case 4:
        return move();
      case 5:
        return cancel_or_retry();
      case 6:
        return remove();
      case 7:
      case 8:
      case 9:
        return lease();
      case 10:
        return renew();
      case 11:
      case 12:
        return finish();
      case 13:
        return give_up();
      case 14:
        return expire();
      default:
        return measure();
    }
  }

  /// Whether the run went everywhere.
  void expect_variety() const {
    for (const char* operation :
         {"submit", "start", "move_job", "complete_job", "cancel", "retry", "remove", "lease_tasks", "renew",
          "finish_task", "fail_task or release_task", "set_metrics"}) {
      EXPECT_GT(successes_.count(operation), 0U) << operation;
      EXPECT_GT(refusals_.count(operation), 0U) << operation;
    }
    EXPECT_GT(expired_, 0U);
  }

  /// Everything that can be read.
  void compare_all() {
    JobCounts counts{};
    for (auto& entry : model_.entries()) {
      compare(entry);
      ++counts[static_cast<std::size_t>(entry.job.state)];
    }
    EXPECT_EQ(store_.counts(kNever).value(), counts);
    compare_list({});
    for (int i = 0; i < 8; ++i) compare_list(random_filter());
  }

 private:
  using Entry = JobStoreModel::Entry;
  using Outcome = JobStoreModel::Outcome;

  unsigned pick(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }
  Entry* any_job() {
    return model_.entries().empty() ? nullptr
                                    : &model_.entries()[pick(static_cast<unsigned>(model_.entries().size()))];
  }
  RuntimeMetrics metrics() { return {pick(9) / 2.0, pick(9) / 4.0, pick(1000), pick(1000)}; }
  Failure failure() { return {"engine", fmt::format("sentence {}", pick(5))}; }

  NewJob wish() {
    NewJob job;
    job.owner = std::array{"ann", "bob"}[pick(2)];
    job.title = fmt::format("title {} {}", std::array{"red", "green", "blue"}[pick(3)], pick(5));
    job.program = std::array{"blastn", "blastp"}[pick(2)];
    job.database = std::array{"nt@1", "nr@2"}[pick(2)];
    job.letters = pick(100);
    return job;
  }
  JobFilter random_filter() {
    JobFilter filter;
    const NewJob like = wish();
    if (pick(2) == 0) filter.owner = like.owner;
    if (pick(3) == 0) filter.state = kJobStates[pick(kJobStates.size())];
    if (pick(3) == 0) filter.program = like.program;
    if (pick(3) == 0) filter.database = like.database;
    if (pick(3) == 0) filter.text = like.title.substr(pick(4), 3 + pick(7));
    if (pick(3) == 0) filter.since = now_ - std::chrono::milliseconds(pick(400));
    return filter;
  }

  template <class T>
  void expect_outcome(const Result<T>& got, const Outcome& expected, std::string_view operation) {
    ASSERT_EQ(got.has_value(), !expected.has_value())
        << operation << ": " << (got ? "succeeded" : got.error().message);
    ++(got ? successes_ : refusals_)[std::string(operation)];
    if (!got) EXPECT_EQ(got.error().code, *expected) << operation << ": " << got.error().message;
  }

  void compare(const Entry& entry) {
    EXPECT_EQ(store_.get(entry.job.id, kNever).value(), entry.job);
    EXPECT_EQ(store_.tasks(entry.job.id, 0, kMostRows, kNever).value(), entry.tasks);
    auto events = store_.read_events(entry.job.id, 0, kMostRows, kNever).value();
    for (Event& event : events) event.order = 0;
    const std::size_t seen = std::min(entry.events.size(), kMostRows);
    EXPECT_EQ(events,
              std::vector(entry.events.begin(), entry.events.begin() + static_cast<std::ptrdiff_t>(seen)));
  }
  void compare_list(const JobFilter& filter) {
    std::vector<Job> got;
    std::optional<JobCursor> after;
    do {
      const JobPage page = store_.list(filter, after, 1 + pick(9), kNever).value();
      got.insert(got.end(), page.jobs.begin(), page.jobs.end());
      after = page.next;
    } while (after);
    EXPECT_EQ(got, model_.list(filter));
  }

  void submit() {
    if (model_.entries().size() >= kMostJobs) return;
    const NewJob job = wish();
    std::optional<Idempotency> once;
    if (pick(2) == 0) once = Idempotency{fmt::format("k{}", pick(6)), fmt::format("body {}", pick(2))};
    const auto [before, expected] =
        once ? model_.repeated(job.owner, *once) : std::pair<Entry*, Outcome>{nullptr, {}};
    const auto made = store_.submit(job, once, now_, kNever);
    expect_outcome(made, expected, "submit");
    if (!made) return;
    EXPECT_EQ(made->outcome == Submitted::Outcome::repeated, before != nullptr);
    if (before == nullptr) model_.submit(made->job.id, job, once, now_);
    compare(*model_.find(made->job.id));
  }

  void start() {
    Entry* entry = any_job();
    if (entry == nullptr) return;
    std::vector<NewTask> tasks;
    if (entry->tasks.empty() || pick(4) == 0)
      for (unsigned i = pick(6); i > 0; --i) tasks.push_back({i, i, pick(100), i % 2, "{}"});
    const Outcome expected = model_.start(*entry, tasks, now_);
    expect_outcome(store_.start(entry->job.id, tasks, now_, kNever), expected, "start");
    compare(*entry);
  }

  void move() {
    Entry* entry = any_job();
    if (entry == nullptr) return;
    // The way to completed is long: go it more often.
    JobState to = kJobStates[pick(kJobStates.size())];
    if (pick(2) == 0) to = entry->job.state == JobState::running ? JobState::merging : JobState::completed;
    const Failure why = failure();
    const bool measured = to == JobState::completed && pick(2) == 0;
    const Outcome expected = model_.move(*entry, to, why, now_);
    if (measured) {
      const RuntimeMetrics took = metrics();
      if (!expected) entry->job.metrics = took;
      expect_outcome(store_.complete_job(entry->job.id, took, now_, kNever), expected, "complete_job");
    } else {
      expect_outcome(store_.move_job(entry->job.id, to, why, now_, kNever), expected, "move_job");
    }
    compare(*entry);
  }

  void cancel_or_retry() {
    Entry* entry = any_job();
    if (entry == nullptr) return;
    if (pick(3) == 0)
      expect_outcome(store_.cancel(entry->job.id, now_, kNever), model_.cancel(*entry, now_), "cancel");
    else
      expect_outcome(store_.retry(entry->job.id, now_, kNever),
                     model_.move(*entry, JobState::queued, {}, now_), "retry");
    compare(*entry);
  }

  void remove() {
    Entry* entry = any_job();
    if (entry == nullptr || pick(3) != 0) return;
    const JobId id = entry->job.id;
    expect_outcome(store_.remove(id, kNever), model_.remove(*entry), "remove");
    if (Entry* left = model_.find(id))
      compare(*left);
    else
      EXPECT_EQ(store_.get(id, kNever).error().code, Code::not_found);
  }

  void lease() {
    Entry* entry = any_job();
    if (entry == nullptr) return;
    const std::size_t limit = 1 + pick(3);
    const UnixTime until = now_ + std::chrono::milliseconds(pick(60));
    const Outcome expected = entry->job.state == JobState::running ? Outcome() : Outcome(Code::conflict);
    const auto ready = JobStoreModel::ready(*entry, limit);
    const auto leased = store_.lease_tasks(entry->job.id, "w", limit, until, now_, kNever);
    expect_outcome(leased, expected, "lease_tasks");
    if (!leased) return;
    ASSERT_EQ(leased->size(), ready.size());
    for (std::size_t i = 0; i < ready.size(); ++i) {
      EXPECT_EQ((*leased)[i].lease.task.index, ready[i]);
      JobStoreModel::lease(*entry, (*leased)[i].lease);
      EXPECT_EQ((*leased)[i].task, entry->tasks[ready[i]]);
      leases_.push_back((*leased)[i].lease);
      JobStoreModel::tell(*entry, EventKind::leased, now_, ready[i]);
    }
    compare(*entry);
  }

  /// A lease that was given out some time, mostly a recent one, and its job.
  std::pair<Lease, Entry*> any_lease() {
    const auto recent = std::min<unsigned>(static_cast<unsigned>(leases_.size()), pick(5) == 0 ? 60 : 8);
    const Lease& lease = leases_[leases_.size() - 1 - pick(recent)];
    return {lease, model_.find(lease.task.job)};
  }

  void renew() {
    if (leases_.empty()) return;
    const auto [lease, entry] = any_lease();
    const UnixTime until = now_ + std::chrono::milliseconds(pick(60));
    const Outcome expected = entry == nullptr ? Code::not_found : JobStoreModel::renew(*entry, lease, until);
    expect_outcome(store_.renew(lease, until, kNever), expected, "renew");
    if (entry != nullptr) compare(*entry);
  }

  void finish() {
    if (leases_.empty()) return;
    const auto [lease, entry] = any_lease();
    const RuntimeMetrics took = metrics();
    const std::string key = fmt::format("out/{}", pick(1000));
    const Outcome expected =
        entry == nullptr ? Code::not_found : JobStoreModel::finish(*entry, lease, key, took, now_);
    const auto done = store_.finish_task(lease, key, took, now_, kNever);
    expect_outcome(done, expected, "finish_task");
    if (done && entry != nullptr) EXPECT_EQ(*done, entry->job);
    if (entry != nullptr) compare(*entry);
  }

  void give_up() {
    if (leases_.empty()) return;
    const auto [lease, entry] = any_lease();
    const Failure why = failure();
    const TaskState to = pick(2) == 0 ? TaskState::failed : TaskState::ready;
    const Outcome expected =
        entry == nullptr ? Code::not_found : JobStoreModel::give_up(*entry, lease, to, why, now_);
    expect_outcome(to == TaskState::failed ? store_.fail_task(lease, why, now_, kNever)
                                           : store_.release_task(lease, why, now_, kNever),
                   expected, "fail_task or release_task");
    if (entry != nullptr) compare(*entry);
  }

  void expire() {
    const std::size_t limit = 1 + pick(4);
    const auto expected = model_.overdue(now_, limit);
    const auto expired = store_.expire_leases(now_, limit, kNever).value();
    ASSERT_EQ(expired.size(), expected.size());
    expired_ += expired.size();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(expired[i].lease.task, expected[i]);
      Entry& entry = *model_.find(expected[i].job);
      const Failure lost = store_.tasks(expected[i].job, expected[i].index, 1, kNever).value().at(0).failure;
      EXPECT_EQ(lost.kind, "lost");
      JobStoreModel::expire(entry, expected[i].index, lost, now_);
    }
    for (const TaskId& id : expected) compare(*model_.find(id.job));
  }

  void measure() {
    Entry* entry = any_job();
    if (entry == nullptr) return;
    const RuntimeMetrics took = metrics();
    expect_outcome(store_.set_metrics(entry->job.id, took, now_, kNever),
                   JobStoreModel::measure(*entry, took, now_), "set_metrics");
    compare(*entry);
  }

  JobStore& store_;
  std::mt19937 random_;
  UnixTime now_{std::chrono::milliseconds(1'000'000)};
  JobStoreModel model_;
  std::vector<Lease> leases_;  // all that were given out
  std::map<std::string, int> successes_;
  std::map<std::string, int> refusals_;
  std::size_t expired_ = 0;
};

class JobStoreModelTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(JobStoreModelTest, RandomOperationsAgreeWithTheModel) {
  const auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const auto path = dir->path() / "jobs.db";
  auto store = SqliteJobStore::open(path).value();
  Comparison comparison(*store, GetParam());
  for (int i = 0; i < kOperations; ++i) {
    comparison.step();
    if (i % 100 == 99) comparison.compare_all();
    ASSERT_FALSE(HasFailure()) << "operation " << i << " of seed " << GetParam();
  }
  comparison.expect_variety();
  const Status whole = store->verify(kNever);
  EXPECT_TRUE(whole) << whole.error().message;
}

INSTANTIATE_TEST_SUITE_P(Seeds, JobStoreModelTest, ::testing::Values(1U, 2U, 3U));

}  // namespace
}  // namespace loom::store
