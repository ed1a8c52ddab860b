// The contract of JobStore (store/job_store.hpp), run on every implementation; a later backend joins Kinds.
// contract/job_store_model_test.cpp compares thousands of random operations with a plain model.
#include "store/job_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/temp_dir.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/never.hpp"

namespace loom::store {
namespace {

struct Sqlite {
  Result<TempDir> dir = TempDir::create();
  std::unique_ptr<SqliteJobStore> sqlite = SqliteJobStore::open(dir->path() / "jobs.db").value();
  JobStore& store() { return *sqlite; }
};
struct SqliteWithoutGroups {
  Result<TempDir> dir = TempDir::create();
  std::unique_ptr<SqliteJobStore> sqlite =
      SqliteJobStore::open(dir->path() / "jobs.db", {.readers = 1, .writer = {.waiting = 64, .group = 1}})
          .value();
  JobStore& store() { return *sqlite; }
};

UnixTime at(int ms) {
  return UnixTime(std::chrono::milliseconds(ms));
}
NewJob wish(std::string owner = "ann", std::string title = "a title") {
  NewJob job;
  job.owner = std::move(owner);
  job.title = std::move(title);
  job.program = "blastp";
  job.database = "swissprot@1";
  job.options = R"({"evalue":1})";
  job.query_key = "jobs/q.fa";
  job.queries = 7;
  job.letters = 1234;
  job.sha256 = "ab";
  job.priority = -3;
  return job;
}
NewJob small_wish(std::string query) {
  NewJob job = wish();
  job.query_key.clear();
  job.query = std::move(query);
  return job;
}
std::vector<NewTask> pieces(std::uint32_t count) {
  std::vector<NewTask> all;
  for (std::uint32_t i = 0; i < count; ++i)
    all.push_back({i * 10, 10, 100 + i, i % 2, fmt::format("{{{}}}", i)});
  return all;
}
const RuntimeMetrics kMetrics{1.5, 2.25, 1U << 30U, 100};
const Failure kFailure{"memory", "blastp ran out of memory; allow more"};

template <class Kind>
class JobStoreContract : public ::testing::Test {
 protected:
  JobStore& store() { return kind_.store(); }
  Job submit(const NewJob& job, int now = 1) { return store().submit(job, {}, at(now), kNever).value().job; }
  Job running(std::uint32_t tasks) {
    const Job job = submit(wish());
    return store().start(job.id, pieces(tasks), at(2), kNever).value();
  }
  LeasedTask lease(const JobId& id, std::string_view owner = "w1", int until = 100) {
    return store().lease_tasks(id, owner, 1, at(until), at(3), kNever).value().at(0);
  }
  Job to(const JobId& id, JobState state) {
    return store().move_job(id, state, kFailure, at(9), kNever).value();
  }
  /// A job in `state`, with two tasks if it ever ran.
  Job in(JobState state) {
    if (state == JobState::queued) return submit(wish());
    if (state == JobState::cancelled) return store().cancel(running(2).id, at(5), kNever).value();
    const JobId id = running(2).id;
    if (state == JobState::running) return get(id);
    if (state == JobState::failed) return to(id, state);
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(store().finish_task(lease(id).lease, "out", kMetrics, at(4), kNever));
    to(id, JobState::merging);
    return state == JobState::merging ? get(id) : to(id, state);
  }
  Job get(const JobId& id) { return store().get(id, kNever).value(); }
  Task task(const JobId& id, std::uint32_t index) {
    return store().tasks(id, index, 1, kNever).value().at(0);
  }
  std::vector<std::string> titles(const JobFilter& filter, std::size_t limit = 500) {
    std::vector<std::string> all;
    std::optional<JobCursor> after;
    do {
      const JobPage page = store().list(filter, after, limit, kNever).value();
      EXPECT_LE(page.jobs.size(), limit);
      for (const Job& job : page.jobs) all.push_back(job.request.title);
      after = page.next;
    } while (after);
    return all;
  }
  /// "kind:state ..." of a job's events, whose numbers it checks.
  std::string story(const JobId& id) {
    std::string all;
    std::uint64_t seq = 0;
    const auto events = store().read_events(id, 0, 500, kNever).value();
    for (const Event& event : events) {
      EXPECT_EQ(event.seq, ++seq);
      all += fmt::format("{}:{} ", name(event.kind), name(event.state));
    }
    EXPECT_EQ(get(id).version, seq);
    return all;
  }

 private:
  Kind kind_;
};

using Kinds = ::testing::Types<Sqlite, SqliteWithoutGroups>;
TYPED_TEST_SUITE(JobStoreContract, Kinds);

TYPED_TEST(JobStoreContract, KeepsASmallQueryByteForByte) {
  const std::string bytes = std::string(">q\r\n\0ACGT\xff\n", 12) + std::string(kMostQueryBytes - 12, 'A');
  const Job job = this->submit(small_wish(bytes));
  EXPECT_EQ(job.request.query, "") << "a job is read without its query";
  EXPECT_EQ(this->store().get(job.id, kNever).value(), job);
  EXPECT_EQ(this->store().query(job.id, kNever).value(), bytes);
  const Job empty = this->submit(small_wish(""));
  EXPECT_EQ(this->store().query(empty.id, kNever).value(), "");
  ASSERT_TRUE(this->store().cancel(job.id, at(2), kNever));
  ASSERT_TRUE(this->store().remove(job.id, kNever));
  EXPECT_EQ(this->store().query(job.id, kNever).error().code, Code::not_found);
}

TYPED_TEST(JobStoreContract, BeginsAndEndsWholeJobsTogetherAndEachAlone) {
  const NewTask whole{0, 7, 1234, 0, "{}"};
  const Job one = this->submit(wish());
  const Job gone = this->store().cancel(this->submit(wish()).id, at(2), kNever).value();
  const Job two = this->submit(wish());
  const std::vector<WholeJob> jobs{{one.id, whole}, {gone.id, whole}, {two.id, whole}};
  const auto begun = this->store().begin_whole(jobs, "w1", at(100), at(3), kNever);
  ASSERT_EQ(begun.size(), 3U);
  EXPECT_EQ(begun[1].error().code, Code::conflict);
  EXPECT_EQ(begun[0]->job, this->get(one.id));
  EXPECT_EQ(begun[0]->job.state, JobState::running);
  EXPECT_EQ(this->task(two.id, 0).state, TaskState::leased);
  const Answer answer{std::string("a\0b", 3), "said"};
  const std::vector<WholeEnd> ends{
      {.job = one.id, .lease = begun[0]->lease, .output_key = "out", .metrics = kMetrics, .answer = answer},
      {.job = two.id, .lease = begun[0]->lease, .metrics = kMetrics}};
  const auto ended = this->store().end_whole(ends, at(4), kNever);
  EXPECT_EQ(ended[0].value(), this->get(one.id));
  EXPECT_EQ(ended[0]->state, JobState::completed);
  EXPECT_EQ(ended[0]->finished, at(4));
  EXPECT_EQ(ended[0]->metrics, kMetrics);
  EXPECT_EQ(ended[0]->answer_bytes, 7U);
  EXPECT_EQ(this->store().answer(one.id, kNever).value(), answer);
  EXPECT_EQ(this->task(one.id, 0).state, TaskState::done);
  EXPECT_EQ(this->story(one.id),
            "submitted:queued moved:running leased:running task_done:running moved:merging moved:completed ");
  EXPECT_EQ(ended[1].error().code, Code::conflict) << "the lease is that of another job";
  EXPECT_EQ(this->get(two.id).state, JobState::running);
  EXPECT_EQ(this->store().answer(two.id, kNever).error().code, Code::conflict);
  EXPECT_EQ(this->store().counts(kNever).value()[3], 1U) << "completed";
  EXPECT_EQ(this->store().answer_bytes(kNever).value(), 7U);
  ASSERT_TRUE(this->store().remove(one.id, kNever));
  EXPECT_EQ(this->store().answer(one.id, kNever).error().code, Code::not_found);
  EXPECT_EQ(this->store().answer_bytes(kNever).value(), 0U);
}
TYPED_TEST(JobStoreContract, EndsAQueuedJobThatNeedsNoSearch) {
  const Job job = this->submit(wish());
  const NewTask whole{0, 7, 1234, 0, "{}"};
  const std::string large(kMostAnswerBytes + 1, 'x');
  std::vector<WholeEnd> ends{{.job = job.id, .task = whole, .reused = true, .answer = Answer{large, ""}}};
  EXPECT_EQ(this->store().end_whole(ends, at(4), kNever)[0].error().code, Code::invalid_argument);
  EXPECT_EQ(this->get(job.id), job) << "nothing was changed";
  ends[0].answer = Answer{};
  const Job ended = this->store().end_whole(ends, at(4), kNever)[0].value();
  EXPECT_TRUE(ended.reused);
  EXPECT_EQ(ended.answer_bytes, 0U);
  EXPECT_EQ(this->get(job.id), ended);
  EXPECT_EQ(this->story(job.id),
            "submitted:queued moved:running leased:running reused:running moved:merging moved:completed ");
  EXPECT_EQ(this->store().end_whole(ends, at(5), kNever)[0].error().code, Code::conflict);
  const Job two = this->running(2);
  const LeasedTask first = this->lease(two.id);
  const std::vector<WholeEnd> not_whole{{.job = two.id, .lease = first.lease}};
  EXPECT_EQ(this->store().end_whole(not_whole, at(5), kNever)[0].error().code, Code::conflict);
  EXPECT_EQ(this->task(two.id, 0).state, TaskState::leased);
}
TYPED_TEST(JobStoreContract, KnowsWhichQueriesAreUsed) {
  const Job job = this->submit(wish());
  this->submit(small_wish(">q\nA\n"));
  EXPECT_EQ(this->store().users_of_query("jobs/q.fa", kNever).value(), 1U);
  EXPECT_EQ(this->store().users_of_query("jobs/other.fa", kNever).value(), 0U);
  ASSERT_TRUE(this->store().cancel(job.id, at(2), kNever));
  ASSERT_TRUE(this->store().remove(job.id, kNever));
  EXPECT_EQ(this->store().users_of_query("jobs/q.fa", kNever).value(), 0U);
}

TYPED_TEST(JobStoreContract, RefusesAQueryInTwoPlacesOrTooLarge) {
  NewJob both = small_wish(">q\nA\n");
  both.query_key = "queries/1";
  EXPECT_EQ(this->store().submit(both, {}, at(1), kNever).error().code, Code::invalid_argument);
  const NewJob large = small_wish(std::string(kMostQueryBytes + 1, 'A'));
  EXPECT_EQ(this->store().submit(large, {}, at(1), kNever).error().code, Code::invalid_argument);
  EXPECT_EQ(this->store().query(this->submit(wish()).id, kNever).error().code, Code::conflict);
}

TYPED_TEST(JobStoreContract, GivesBackWhatWasSubmitted) {
  const auto made = this->store().submit(wish(), {}, at(42), kNever).value();
  EXPECT_EQ(made.outcome, Submitted::Outcome::created);
  Job expected{.id = made.job.id, .request = wish(), .created = at(42), .version = 1};
  EXPECT_EQ(made.job, expected);
  EXPECT_EQ(this->get(made.job.id), expected);
  EXPECT_EQ(this->story(made.job.id), "submitted:queued ");
}

TYPED_TEST(JobStoreContract, KeepsEveryByteOfATitle) {
  const std::string odd("\0 \"'%_\xc3\xa9\n", 9);
  EXPECT_EQ(this->get(this->submit(wish("ann", odd)).id).request.title, odd);
  EXPECT_EQ(this->get(this->submit(wish("ann", "")).id).request.title, "");
}

TYPED_TEST(JobStoreContract, AMissingJobIsNotFoundByName) {
  const JobId none = JobId::random();
  JobStore& store = this->store();
  const Lease lease{{none, 0}, "w", "token", at(9)};
  const std::vector<Error> errors{store.get(none, kNever).error(),
                                  store.start(none, {}, at(1), kNever).error(),
                                  store.move_job(none, JobState::failed, {}, at(1), kNever).error(),
                                  store.complete_job(none, {}, at(1), kNever).error(),
                                  store.cancel(none, at(1), kNever).error(),
                                  store.retry(none, at(1), kNever).error(),
                                  store.remove(none, kNever).error(),
                                  store.tasks(none, 0, 1, kNever).error(),
                                  store.lease_tasks(none, "w", 1, at(2), at(1), kNever).error(),
                                  store.renew(lease, at(10), kNever).error(),
                                  store.finish_task(lease, "o", {}, at(1), kNever).error(),
                                  store.fail_task(lease, {}, at(1), kNever).error(),
                                  store.release_task(lease, {}, at(1), kNever).error(),
                                  store.read_events(none, 0, 1, kNever).error(),
                                  store.set_metrics(none, {}, at(1), kNever).error()};
  for (const Error& error : errors) {
    EXPECT_EQ(error.code, Code::not_found);
    EXPECT_EQ(error.message, "no job " + none.str());
  }
}

TYPED_TEST(JobStoreContract, OneKeyIsOneJob) {
  JobStore& store = this->store();
  const Idempotency once{"k", "body1"};
  EXPECT_EQ(store.submitted("ann", once, kNever).value(), std::nullopt);
  const Job first = store.submit(wish(), once, at(1), kNever).value().job;
  const Job started = store.start(first.id, {}, at(2), kNever).value();
  const auto again = store.submit(wish(), once, at(3), kNever).value();
  EXPECT_EQ(again.outcome, Submitted::Outcome::repeated);
  EXPECT_EQ(again.job, started) << "as it is now";
  EXPECT_EQ(store.submitted("ann", once, kNever).value(), started);
  EXPECT_EQ(store.submitted("ann", {"k", "body2"}, kNever).error().code, Code::conflict);
  EXPECT_EQ(store.submitted("bob", once, kNever).value(), std::nullopt);

  const auto other = store.submit(wish(), Idempotency{"k", "body2"}, at(4), kNever);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::conflict);
  EXPECT_NE(other.error().message.find(first.id.str()), std::string::npos) << other.error().message;

  const auto bob = store.submit(wish("bob"), Idempotency{"k", "body2"}, at(5), kNever).value();
  EXPECT_EQ(bob.outcome, Submitted::Outcome::created) << "keys are of their owner";

  ASSERT_TRUE(store.cancel(first.id, at(6), kNever));
  ASSERT_TRUE(store.remove(first.id, kNever));
  EXPECT_EQ(store.submit(wish(), once, at(7), kNever).value().outcome, Submitted::Outcome::created);
}

TYPED_TEST(JobStoreContract, EightThreadsWithOneKeyMakeOneJob) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    const Idempotency once{fmt::format("k{}", round), "body"};
    std::mutex mutex;
    std::set<JobId> ids;
    int created = 0;
    const auto work = [&] {
      const auto made = this->store().submit(wish(), once, at(round), kNever);
      const std::lock_guard lock(mutex);
      ASSERT_TRUE(made) << made.error().message;
      ids.insert(made->job.id);
      created += made->outcome == Submitted::Outcome::created ? 1 : 0;
    };
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back(work);
    threads.clear();
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_EQ(created, 1);
  }
  EXPECT_EQ(this->store().counts(kNever).value()[0], static_cast<std::uint64_t>(kRounds));
}

TYPED_TEST(JobStoreContract, MovesExactlyAsTheTableSays) {
  for (const JobState from : kJobStates) {
    for (const JobState to : kJobStates) {
      if (from == JobState::running && to == JobState::merging) continue;  // needs its tasks done: below
      const Job before = this->in(from);
      const auto moved = this->store().move_job(before.id, to, kFailure, at(50), kNever);
      EXPECT_EQ(moved.has_value(), may_move(from, to)) << name(from) << " to " << name(to);
      if (!moved) {
        EXPECT_EQ(moved.error().code, Code::conflict);
        EXPECT_EQ(moved.error().message,
                  fmt::format("job {} is {} and cannot become {}", before.id.str(), name(from), name(to)));
        EXPECT_EQ(this->get(before.id), before);
        continue;
      }
      EXPECT_EQ(moved->state, to);
      EXPECT_EQ(moved->version, before.version + 1);
      EXPECT_EQ(moved->failure, to == JobState::failed ? kFailure : Failure{});
      EXPECT_EQ(moved->finished, is_final(to) ? std::optional(at(50)) : std::nullopt);
      EXPECT_EQ(this->get(before.id), *moved);
    }
  }
}

TYPED_TEST(JobStoreContract, CompletesWithItsMetrics) {
  const Job merging = this->in(JobState::merging);
  const Job done = this->store().complete_job(merging.id, kMetrics, at(50), kNever).value();
  EXPECT_EQ(done.state, JobState::completed);
  EXPECT_EQ(done.finished, at(50));
  EXPECT_EQ(done.metrics, kMetrics);
  EXPECT_EQ(done.version, merging.version + 1);
  EXPECT_EQ(this->get(done.id), done);
  const Job running = this->in(JobState::running);
  EXPECT_EQ(this->store().complete_job(running.id, kMetrics, at(51), kNever).error().code, Code::conflict);
  EXPECT_EQ(this->get(running.id), running);
}

TYPED_TEST(JobStoreContract, MergingWaitsForAllTasks) {
  const Job job = this->running(2);
  ASSERT_TRUE(this->store().finish_task(this->lease(job.id).lease, "o", kMetrics, at(4), kNever));
  const auto early = this->store().move_job(job.id, JobState::merging, {}, at(5), kNever);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Code::conflict);
  EXPECT_NE(early.error().message.find("1 of 2 tasks"), std::string::npos) << early.error().message;
  ASSERT_TRUE(this->store().finish_task(this->lease(job.id).lease, "o", kMetrics, at(6), kNever));
  EXPECT_TRUE(this->store().move_job(job.id, JobState::merging, {}, at(7), kNever));
}

TYPED_TEST(JobStoreContract, StartAddsTasksOnce) {
  const Job job = this->submit(wish());
  const Job started = this->store().start(job.id, pieces(3), at(2), kNever).value();
  EXPECT_EQ(started.state, JobState::running);
  EXPECT_EQ(started.started, at(2));
  EXPECT_EQ(started.tasks_total, 3U);
  EXPECT_EQ(started.letters_total, 303U);
  EXPECT_EQ(started.version, 2U);
  EXPECT_EQ(this->get(job.id), started);
  const auto tasks = this->store().tasks(job.id, 1, 500, kNever).value();
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks[0], (Task{.id = {job.id, 1}, .work = pieces(3)[1]}));
  EXPECT_EQ(this->store().start(job.id, {}, at(3), kNever).error().code, Code::conflict);

  this->store().cancel(job.id, at(4), kNever).value();
  this->store().retry(job.id, at(5), kNever).value();
  EXPECT_EQ(this->store().start(job.id, pieces(1), at(6), kNever).error().code, Code::conflict);
  EXPECT_EQ(this->store().tasks(job.id, 0, 500, kNever).value().size(), 3U);
  EXPECT_EQ(this->store().start(job.id, {}, at(6), kNever).value().started, at(6));
}

TYPED_TEST(JobStoreContract, LeasesReadyTasksInOrder) {
  const Job job = this->running(3);
  const auto leased = this->store().lease_tasks(job.id, "w1", 2, at(100), at(3), kNever).value();
  ASSERT_EQ(leased.size(), 2U);
  EXPECT_EQ(leased[0].task.id.index, 0U);
  EXPECT_EQ(leased[1].task.id.index, 1U);
  EXPECT_NE(leased[0].lease.token, leased[1].lease.token);
  EXPECT_EQ(leased[1].lease.token.size(), 32U);
  const Task expected{.id = {job.id, 1},
                      .work = pieces(3)[1],
                      .state = TaskState::leased,
                      .attempts = 1,
                      .lease_owner = "w1",
                      .lease_until = at(100)};
  EXPECT_EQ(leased[1].task, expected);
  EXPECT_EQ(this->task(job.id, 1), expected);
  EXPECT_EQ(this->lease(job.id).task.id.index, 2U);
  EXPECT_TRUE(this->store().lease_tasks(job.id, "w1", 9, at(100), at(3), kNever).value().empty());
  EXPECT_EQ(this->story(job.id),
            "submitted:queued moved:running leased:running leased:running leased:running ");
  const auto events = this->store().read_events(job.id, 2, 9, kNever).value();
  ASSERT_EQ(events.size(), 3U);
  for (std::uint32_t index = 0; index < 3; ++index) EXPECT_EQ(events[index].task, index);
}

TYPED_TEST(JobStoreContract, OnlyARunningJobLeases) {
  for (const JobState state : kJobStates) {
    const JobId id = this->in(state).id;
    const auto leased = this->store().lease_tasks(id, "w", 1, at(9), at(1), kNever);
    EXPECT_EQ(leased.has_value(), state == JobState::running) << name(state);
    if (!leased) EXPECT_EQ(leased.error().code, Code::conflict);
  }
}

TYPED_TEST(JobStoreContract, RenewMovesTheEndAndIsNoChangeOfTheJob) {
  const Job job = this->running(1);
  const Lease lease = this->lease(job.id, "w1", 100).lease;
  const Job before = this->get(job.id);
  const Lease renewed = this->store().renew(lease, at(200), kNever).value();
  EXPECT_EQ(renewed, (Lease{lease.task, "w1", lease.token, at(200)}));
  EXPECT_EQ(this->task(job.id, 0).lease_until, at(200));
  EXPECT_EQ(this->get(job.id), before);
  EXPECT_TRUE(this->store().expire_leases(at(199), 9, kNever).value().empty());
}

TYPED_TEST(JobStoreContract, FinishCountsOnceHoweverOftenItIsCalled) {
  const Job job = this->running(2);
  const Lease lease = this->lease(job.id).lease;
  const Job done = this->store().finish_task(lease, "out/0", kMetrics, at(4), kNever).value();
  EXPECT_EQ(done.tasks_done, 1U);
  EXPECT_EQ(done.letters_done, 100U);
  EXPECT_EQ(this->task(job.id, 0), (Task{.id = {job.id, 0},
                                         .work = pieces(1)[0],
                                         .state = TaskState::done,
                                         .attempts = 1,
                                         .output_key = "out/0",
                                         .metrics = kMetrics}));
  EXPECT_EQ(this->store().finish_task(lease, "out/0", kMetrics, at(5), kNever).value(), done);
  EXPECT_EQ(this->store().fail_task(lease, kFailure, at(5), kNever).error().code, Code::conflict);
  EXPECT_EQ(this->store().renew(lease, at(500), kNever).error().code, Code::conflict);
  EXPECT_EQ(this->get(job.id), done);
}

TYPED_TEST(JobStoreContract, AFailedTaskStaysAndAReleasedOneIsReady) {
  const Job job = this->running(2);
  ASSERT_TRUE(this->store().fail_task(this->lease(job.id).lease, kFailure, at(4), kNever));
  const Lease second = this->lease(job.id).lease;
  ASSERT_TRUE(this->store().release_task(second, kFailure, at(5), kNever));
  EXPECT_EQ(this->task(job.id, 0).state, TaskState::failed);
  EXPECT_EQ(this->task(job.id, 0).failure, kFailure);
  EXPECT_EQ(this->task(job.id, 1).state, TaskState::ready);
  EXPECT_EQ(this->task(job.id, 1).failure, kFailure);
  EXPECT_EQ(this->store().release_task(second, kFailure, at(6), kNever).error().code, Code::conflict);
  const LeasedTask again = this->lease(job.id);
  EXPECT_EQ(again.task.id.index, 1U);
  EXPECT_EQ(again.task.attempts, 2U);
  EXPECT_EQ(this->story(job.id),
            "submitted:queued moved:running leased:running task_failed:running leased:running "
            "task_released:running leased:running ");
  const Event failed = this->store().read_events(job.id, 3, 1, kNever).value().at(0);
  EXPECT_EQ(failed.task, 0U);
  EXPECT_EQ(failed.failure, kFailure);
  EXPECT_EQ(failed.owner, "ann");
}

TYPED_TEST(JobStoreContract, AServerThatStartsAloneEndsAllLeases) {
  const Job job = this->running(2);
  const Lease held = this->lease(job.id, "gone", 1000).lease;
  const auto ended = this->store().end_leases(at(7), 9, kNever).value();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].lease, (Lease{held.task, "gone", "", at(1000)}));
  EXPECT_EQ(this->task(job.id, 0).state, TaskState::ready);
  EXPECT_EQ(this->store().read_events(job.id, 3, 1, kNever).value().at(0).at, at(7));
  EXPECT_EQ(this->store().finish_task(held, "late", kMetrics, at(8), kNever).error().code, Code::conflict);
}

TYPED_TEST(JobStoreContract, TellsOfEveryCommitAndOfTheLastOrder) {
  std::atomic<int> told = 0;
  EXPECT_EQ(this->store().last_order(kNever).value(), 0U);
  this->store().on_commit([&told] { ++told; });
  const Job job = this->running(1);
  EXPECT_GE(told, 1);
  this->store().on_commit({});
  const int before = told;
  EXPECT_EQ(this->store().last_order(kNever).value(), 2U);
  ASSERT_TRUE(this->store().cancel(job.id, at(9), kNever));
  ASSERT_TRUE(this->store().remove(job.id, kNever));
  EXPECT_EQ(told, before);
  EXPECT_EQ(this->store().last_order(kNever).value(), 3U) << "orders of removed jobs are not used again";
}

TYPED_TEST(JobStoreContract, TellsOfACommitBeforeItsCallerHasTheAnswer) {
  std::atomic<int> told = 0;
  this->store().on_commit([&told] {
    std::this_thread::yield();  // whoever is answered first goes on first
    ++told;
  });
  for (int write = 1; write <= 200; ++write) {
    this->submit(wish());
    ASSERT_GE(told, write);
  }
  this->store().on_commit({});
}

TYPED_TEST(JobStoreContract, ALateHolderWhoseTaskWasTakenOverIsRefused) {
  const Job job = this->running(1);
  const Lease late = this->lease(job.id, "slow", 100).lease;
  const auto expired = this->store().expire_leases(at(100), 9, kNever).value();
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].lease, (Lease{late.task, "slow", "", at(100)}));
  EXPECT_EQ(expired[0].attempts, 1U);
  EXPECT_EQ(this->task(job.id, 0).failure.kind, "lost");
  const auto refused = [&] {
    for (const Lease& lease : {late, Lease{late.task, "slow", "", at(100)}}) {
      EXPECT_EQ(this->store().finish_task(lease, "late", kMetrics, at(101), kNever).error().code,
                Code::conflict);
      EXPECT_EQ(this->store().renew(lease, at(300), kNever).error().code, Code::conflict);
      EXPECT_EQ(this->store().fail_task(lease, {}, at(101), kNever).error().code, Code::conflict);
      EXPECT_EQ(this->store().release_task(lease, {}, at(101), kNever).error().code, Code::conflict);
    }
  };
  refused();
  const Lease mine = this->lease(job.id, "quick", 200).lease;
  refused();
  ASSERT_TRUE(this->store().finish_task(mine, "mine", kMetrics, at(102), kNever));
  refused();
  EXPECT_EQ(this->task(job.id, 0).output_key, "mine");
}

TYPED_TEST(JobStoreContract, ALeasePastItsTimeHoldsUntilSomeoneTakesItBack) {
  const Job job = this->running(1);
  const Lease lease = this->lease(job.id, "w", 100).lease;
  EXPECT_TRUE(this->store().finish_task(lease, "o", kMetrics, at(5000), kNever));
}

TYPED_TEST(JobStoreContract, LeasesExpireOldestFirstAndNoMoreThanAsked) {
  const Job one = this->running(2);
  const Job two = this->running(2);
  const auto lease = [&](const Job& job, int until) { return this->lease(job.id, "w", until).lease.task; };
  const TaskId third = lease(one, 30);
  const TaskId first = lease(two, 10);
  const TaskId second = lease(two, 20);
  lease(one, 41);
  const auto expire = [this](std::size_t limit) {
    std::vector<TaskId> all;
    const auto expired = this->store().expire_leases(at(40), limit, kNever).value();
    for (const Expired& one_of : expired) all.push_back(one_of.lease.task);
    return all;
  };
  EXPECT_EQ(expire(2), (std::vector{first, second}));
  EXPECT_EQ(expire(2), (std::vector{third}));
  EXPECT_TRUE(expire(2).empty());
}

TYPED_TEST(JobStoreContract, FourThreadsLeaseNoTaskTwice) {
  const Job job = this->running(200);
  std::mutex mutex;
  std::multiset<std::uint32_t> seen;
  const auto work = [&](const std::string& owner) {
    for (;;) {
      const auto leased = this->store().lease_tasks(job.id, owner, 3, at(100), at(3), kNever);
      ASSERT_TRUE(leased) << leased.error().message;
      if (leased->empty()) return;
      for (const LeasedTask& one : *leased) {
        ASSERT_TRUE(this->store().finish_task(one.lease, "o", kMetrics, at(4), kNever));
        const std::lock_guard lock(mutex);
        seen.insert(one.task.id.index);
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, fmt::format("w{}", i));
  threads.clear();
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 200U);
  EXPECT_EQ(this->get(job.id).tasks_done, 200U);
  EXPECT_EQ(this->get(job.id).letters_done, this->get(job.id).letters_total);
}

TYPED_TEST(JobStoreContract, CancelEndsLeasesAndRepeatsQuietly) {
  const Job job = this->running(1);
  const Lease lease = this->lease(job.id).lease;
  const Job cancelled = this->store().cancel(job.id, at(5), kNever).value();
  EXPECT_EQ(cancelled.state, JobState::cancelled);
  EXPECT_EQ(this->store().cancel(job.id, at(6), kNever).value(), cancelled);
  EXPECT_EQ(this->task(job.id, 0).state, TaskState::ready);
  const auto renewed = this->store().renew(lease, at(300), kNever);
  ASSERT_FALSE(renewed);
  EXPECT_NE(renewed.error().message.find("the job is cancelled"), std::string::npos)
      << renewed.error().message;
  EXPECT_EQ(this->store().cancel(this->in(JobState::completed).id, at(7), kNever).error().code,
            Code::conflict);
}

TYPED_TEST(JobStoreContract, RetryKeepsWhatIsDoneAndReadiesTheRest) {
  const Job job = this->running(3);
  ASSERT_TRUE(this->store().finish_task(this->lease(job.id).lease, "o", kMetrics, at(4), kNever));
  ASSERT_TRUE(this->store().fail_task(this->lease(job.id).lease, kFailure, at(5), kNever));
  this->lease(job.id);
  EXPECT_EQ(this->to(job.id, JobState::failed).failure, kFailure);
  const Job again = this->store().retry(job.id, at(10), kNever).value();
  EXPECT_EQ(again.state, JobState::queued);
  EXPECT_EQ(again.tasks_done, 1U);
  EXPECT_FALSE(again.started);
  EXPECT_FALSE(again.finished);
  EXPECT_EQ(again.failure, Failure{});
  EXPECT_EQ(this->task(job.id, 0).state, TaskState::done);
  for (const std::uint32_t i : {1U, 2U})
    EXPECT_EQ(this->task(job.id, i), (Task{.id = {job.id, i}, .work = pieces(3)[i]}));
}

TYPED_TEST(JobStoreContract, RemovesOnlyFinalJobsAndAllThatIsTheirs) {
  for (const JobState state : kJobStates) {
    const Job job = this->in(state);
    const Status removed = this->store().remove(job.id, kNever);
    EXPECT_EQ(removed.has_value(), is_final(state)) << name(state);
    if (!removed) {
      EXPECT_EQ(removed.error().code, Code::conflict);
      EXPECT_EQ(this->get(job.id), job);
      continue;
    }
    EXPECT_EQ(this->store().get(job.id, kNever).error().code, Code::not_found);
    EXPECT_EQ(this->store().tasks(job.id, 0, 1, kNever).error().code, Code::not_found);
    const auto events = this->store().read_all_events(0, 500, kNever).value();
    for (const Event& event : events) EXPECT_NE(event.job, job.id);
  }
  EXPECT_EQ(this->store().counts(kNever).value(), (JobCounts{1, 1, 1, 0, 0, 0}));
}

TYPED_TEST(JobStoreContract, ListsByEveryFilter) {
  NewJob job = wish("ann", "Human kinases");
  this->submit(job, 10);
  job.title = "Mouse KINASE set";
  job.program = "blastn";
  this->submit(job, 20);
  job.owner = "bob";
  job.title = "say \"kin\" 100%";
  job.database = "nt@2";
  const JobId third = this->submit(job, 30).id;
  this->store().cancel(third, at(31), kNever).value();

  using Titles = std::vector<std::string>;
  const std::string a = "Human kinases";
  const std::string b = "Mouse KINASE set";
  const std::string c = job.title;
  EXPECT_EQ(this->titles({}), (Titles{c, b, a}));
  EXPECT_EQ(this->titles({.owner = "ann"}), (Titles{b, a}));
  EXPECT_EQ(this->titles({.state = JobState::cancelled}), (Titles{c}));
  EXPECT_EQ(this->titles({.program = "blastn"}), (Titles{c, b}));
  EXPECT_EQ(this->titles({.database = "swissprot@1"}), (Titles{b, a}));
  EXPECT_EQ(this->titles({.text = "kinase"}), (Titles{b, a}));
  EXPECT_EQ(this->titles({.text = "\"kin\""}), (Titles{c}));
  EXPECT_EQ(this->titles({.text = "100%"}), (Titles{c}));
  EXPECT_EQ(this->titles({.text = "h%man"}), (Titles{}));
  EXPECT_EQ(this->titles({.since = at(20)}), (Titles{c, b}));
  EXPECT_EQ(this->titles({.owner = "ann", .program = "blastn", .text = "kin", .since = at(10)}), (Titles{b}));
  EXPECT_EQ(this->titles({.owner = "none"}), (Titles{}));
  ASSERT_TRUE(this->store().remove(third, kNever));
  EXPECT_EQ(this->titles({.text = "kin"}), (Titles{b, a}));
  for (const char* bad : {"", "ab", "\xc3\xa9\xc3\xa9"})
    EXPECT_EQ(this->store().list({.text = bad}, {}, 1, kNever).error().code, Code::invalid_argument) << bad;
}

TYPED_TEST(JobStoreContract, PagesHoldEveryJobOnceInOrder) {
  std::vector<std::pair<JobCursor, std::string>> model;
  for (int i = 0; i < 30; ++i) {
    const Job job = this->submit(wish(i % 3 == 0 ? "bob" : "ann", fmt::format("job {}", i)), 100 - i / 4);
    model.emplace_back(JobCursor{job.created, job.id}, job.request.title);
  }
  std::sort(model.rbegin(), model.rend());
  std::vector<std::string> expected;
  for (const auto& [cursor, title] : model) expected.push_back(title);
  for (const std::size_t limit : {1U, 7U, 29U, 30U, 31U, 500U})
    EXPECT_EQ(this->titles({}, limit), expected) << limit;
  EXPECT_EQ(this->titles({.text = "job"}, 4), expected);
  EXPECT_EQ(this->titles({.owner = "bob"}, 4).size(), 10U);
  // A cursor outlives its job.
  const JobCursor fifth = model[4].first;
  this->store().cancel(fifth.id, at(200), kNever).value();
  ASSERT_TRUE(this->store().remove(fifth.id, kNever));
  EXPECT_EQ(this->store().list({}, fifth, 1, kNever).value().jobs.at(0).request.title, expected[5]);
}

TYPED_TEST(JobStoreContract, LimitsAreFrom1To500) {
  const JobId id = this->running(1).id;
  JobStore& store = this->store();
  for (const std::size_t limit : {std::size_t{0}, std::size_t{501}, ~std::size_t{0}}) {
    EXPECT_EQ(store.list({}, {}, limit, kNever).error().code, Code::invalid_argument);
    EXPECT_EQ(store.tasks(id, 0, limit, kNever).error().code, Code::invalid_argument);
    EXPECT_EQ(store.lease_tasks(id, "w", limit, at(9), at(1), kNever).error().code, Code::invalid_argument);
    EXPECT_EQ(store.expire_leases(at(1), limit, kNever).error().code, Code::invalid_argument);
    EXPECT_EQ(store.read_events(id, 0, limit, kNever).error().code, Code::invalid_argument);
    EXPECT_EQ(store.read_all_events(0, limit, kNever).error().code, Code::invalid_argument);
    EXPECT_EQ(store.jobs_without_metrics({}, limit, kNever).error().code, Code::invalid_argument);
  }
}

TYPED_TEST(JobStoreContract, AllEventsComeInOneOrderAPageAtATime) {
  const JobId one = this->in(JobState::completed).id;
  const JobId two = this->in(JobState::failed).id;
  std::vector<Event> all;
  for (std::uint64_t after = 0;;) {
    const auto page = this->store().read_all_events(after, 3, kNever).value();
    if (page.empty()) break;
    for (const Event& event : page) {
      EXPECT_GT(event.order, after);
      after = event.order;
      all.push_back(event);
    }
  }
  for (const JobId& id : {one, two}) {
    std::vector<Event> of_job;
    std::copy_if(all.begin(), all.end(), std::back_inserter(of_job),
                 [&](const Event& e) { return e.job == id; });
    EXPECT_EQ(of_job, this->store().read_events(id, 0, 500, kNever).value());
    const Event& last = of_job.back();
    const Job job = this->get(id);
    EXPECT_EQ(last.seq, job.version);
    EXPECT_EQ(last.state, job.state);
    EXPECT_EQ(last.tasks_done, job.tasks_done);
    EXPECT_EQ(last.letters_total, job.letters_total);
  }
  // The greatest order is never given out again.
  ASSERT_TRUE(this->store().remove(two, kNever));
  this->submit(wish());
  EXPECT_EQ(this->store().read_all_events(all.back().order, 9, kNever).value().size(), 1U);
}

TYPED_TEST(JobStoreContract, AReaderThatFollowsTheFeedMissesNothing) {
  constexpr std::size_t kWriters = 3;
  constexpr std::size_t kEach = 60;
  std::vector<std::jthread> writers;
  for (std::size_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([this] {
      for (std::size_t i = 0; i < kEach; ++i) this->store().submit(wish(), {}, at(1), kNever).value();
    });
  }
  std::set<JobId> seen;
  for (std::uint64_t after = 0; seen.size() < kWriters * kEach;) {
    const auto events = this->store().read_all_events(after, 7, kNever).value();
    for (const Event& event : events) {
      EXPECT_TRUE(seen.insert(event.job).second);
      after = event.order;
    }
  }
  EXPECT_EQ(seen.size(), kWriters * kEach);
}

TYPED_TEST(JobStoreContract, CompletedJobsWithoutMetricsComeOldestFirst) {
  std::vector<JobCursor> expected;
  for (int i = 0; i < 5; ++i) {
    const Job job = this->in(JobState::completed);
    expected.push_back({job.created, job.id});
  }
  std::sort(expected.begin(), expected.end());
  this->in(JobState::failed);
  const auto missing = [this] {
    std::vector<JobCursor> all;
    std::optional<JobCursor> after;
    do {
      const JobPage page = this->store().jobs_without_metrics(after, 2, kNever).value();
      for (const Job& job : page.jobs) all.push_back({job.created, job.id});
      after = page.next;
    } while (after);
    return all;
  };
  EXPECT_EQ(missing(), expected);
  const Job measured = this->store().set_metrics(expected[1].id, kMetrics, at(60), kNever).value();
  EXPECT_EQ(measured.metrics, kMetrics);
  EXPECT_EQ(this->get(measured.id), measured);
  EXPECT_TRUE(this->story(measured.id).ends_with("measured:completed "));
  expected.erase(expected.begin() + 1);
  EXPECT_EQ(missing(), expected);
  EXPECT_EQ(this->store().set_metrics(this->in(JobState::running).id, kMetrics, at(61), kNever).error().code,
            Code::conflict);
}

TYPED_TEST(JobStoreContract, OneLeadsAtATime) {
  JobStore& store = this->store();
  const auto lead = [&](const char* name, const char* holder, int now) {
    return store.try_lead(name, holder, at(now), at(now + 10), kNever).value();
  };
  EXPECT_EQ(lead("beat", "a", 0), (Leadership{"a", at(10), 1}));
  EXPECT_EQ(lead("beat", "b", 9), (Leadership{"a", at(10), 1}));
  EXPECT_EQ(lead("beat", "a", 9), (Leadership{"a", at(19), 1}));
  EXPECT_EQ(lead("other", "b", 9), (Leadership{"b", at(19), 1}));
  EXPECT_EQ(lead("beat", "b", 19), (Leadership{"b", at(29), 2}));
  EXPECT_EQ(lead("beat", "a", 20), (Leadership{"b", at(29), 2}));
}

TYPED_TEST(JobStoreContract, PastTheDeadlineNothingHappens) {
  const Job job = this->running(1);
  const Lease lease = this->lease(job.id).lease;
  const Job before = this->get(job.id);
  const Deadline past = Deadline::at(steady_clock().now());
  JobStore& store = this->store();
  EXPECT_EQ(store.submit(wish(), {}, at(1), past).error().code, Code::timed_out);
  EXPECT_EQ(store.get(job.id, past).error().code, Code::timed_out);
  EXPECT_EQ(store.list({}, {}, 1, past).error().code, Code::timed_out);
  EXPECT_EQ(store.cancel(job.id, at(1), past).error().code, Code::timed_out);
  EXPECT_EQ(store.finish_task(lease, "o", {}, at(1), past).error().code, Code::timed_out);
  EXPECT_EQ(store.expire_leases(at(1000), 9, past).error().code, Code::timed_out);
  EXPECT_EQ(this->get(job.id), before);
  EXPECT_EQ(store.counts(kNever).value(), (JobCounts{0, 1, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace loom::store
