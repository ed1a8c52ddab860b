// What a library throws on a thread of the server ends the piece of work under way, and nothing else; and who
// waits for such a thread is told when the server stops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "local_service.hpp"
#include "service/database_works.hpp"

namespace loom::service {
namespace {

using testing::HasSubstr;

const Caller kAnn{"ann", Role::user};
const Caller kAdmin{"root", Role::admin};
constexpr const char* kReason = "no memory for that";

/// Starts processes, or throws.
class ThrowingRunner final : public exec::ProcessRunner {
 public:
  Result<exec::ProcessOutcome> run(const exec::ProcessSpec& spec, Deadline deadline,
                                   std::stop_token stop) override {
    ++runs;
    if (throws) throw std::runtime_error(kReason);
    return inner_.run(spec, deadline, std::move(stop));
  }
  std::atomic<bool> throws = true;
  std::atomic<int> runs = 0;

 private:
  exec::LocalProcessRunner inner_;
};

class ThrowingTest : public LocalServiceTest {
 protected:
  void SetUp() override {
    make({.memory_bytes = std::uint64_t{1} << 30U, .work = {}, .weights = {}}, throwing_, *files_);
  }

  /// A search that no other equals; `rides`: with others of its kind.
  store::JobId submit(bool rides = false) {
    auto query = jobs_->begin_upload(kAnn).value();
    const std::string letters(static_cast<std::size_t>(++submitted_), 'A');
    EXPECT_TRUE(query->write(">q\nATGACAGCATACATAGCAAAGCAGCGACAGATAAGCTTTGTGAAATCGCATTTT" + letters + "\n"));
    SubmitRequest request{.program = "blastn", .database = "nucleotides_500", .options = {}, .title = {}};
    if (rides) request.options = {{"outfmt", "6"}};
    const auto job = jobs_->submit(kAnn, request, std::move(query), std::nullopt, Deadline::never());
    EXPECT_TRUE(job) << job.error().message;
    return job->job.id;
  }

  /// Waits for the end of what `look` shows.
  template <class Look, class Over>
  auto ended(Look look, Over over) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    auto seen = look();
    while (!over(seen) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      seen = look();
    }
    return seen;
  }
  store::Job end_of(const store::JobId& id) {
    return ended([&] { return store_->get(id, Deadline::never()).value(); },
                 [](const store::Job& job) { return store::is_final(job.state); });
  }

  ThrowingRunner throwing_;
  int submitted_ = 0;
};

TEST_F(ThrowingTest, AJobWhoseStepThrowsFailsForThatReasonAndGoesOnAtARetry) {
  const store::JobId id = submit();
  ASSERT_TRUE(scheduler_->start());
  const store::Job failed = end_of(id);
  EXPECT_EQ(failed.state, store::JobState::failed);
  EXPECT_THAT(failed.failure.sentence, HasSubstr(kReason));
  EXPECT_EQ(throwing_.runs, 1) << "it is not taken up again";
  throwing_.throws = false;
  EXPECT_EQ(end_of(submit()).state, store::JobState::completed) << "the thread goes on";
  ASSERT_TRUE(jobs_->retry(kAnn, id, Deadline::never()));
  EXPECT_EQ(end_of(id).state, store::JobState::completed) << "no lease is in its way";
}

TEST_F(ThrowingTest, JobsThatRideTogetherAreTriedEachByItself) {
  const store::JobId one = submit(true);
  const store::JobId other = submit(true);
  ASSERT_TRUE(scheduler_->start());
  for (const store::JobId& id : {one, other}) {
    const store::Job failed = end_of(id);
    EXPECT_EQ(failed.state, store::JobState::failed);
    EXPECT_THAT(failed.failure.sentence, HasSubstr(kReason));
  }
  EXPECT_EQ(throwing_.runs, 3) << "together once, then each once";
}

TEST_F(ThrowingTest, WhenTheServerIsToldToStopNothingIsBegunAndNobodyWaits) {
  throwing_.throws = false;
  ASSERT_TRUE(scheduler_->start());
  const store::JobId done = submit();
  const store::Job job = end_of(done);
  ASSERT_EQ(job.state, store::JobState::completed);
  scheduler_->close();
  jobs_->stop();
  const int runs = throwing_.runs;
  const auto key = storage::ObjectKey::parse("jobs/" + done.str() + "/rendered").value();
  EXPECT_EQ(scheduler_->render(job, "6", key, Deadline::never()).error().code, Code::unavailable);
  EXPECT_EQ(jobs_->hits(kAnn, done, Deadline::never()).error().code, Code::unavailable);
  auto file = jobs_->begin_upload(kAnn).value();
  ASSERT_TRUE(file->write("q1\ts1\t90.0\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\n"));
  const auto imported =
      jobs_->import_result(kAnn, {.program = "blastp", .outfmt = "6", .title = {}}, std::move(file));
  ASSERT_FALSE(imported);
  EXPECT_EQ(imported.error().code, Code::unavailable);
  const store::JobId left = submit();
  scheduler_->stop(Duration::zero());  // all threads have ended
  EXPECT_EQ(store_->get(left, Deadline::never())->state, store::JobState::queued) << "for the next start";
  EXPECT_EQ(throwing_.runs, runs);
}

TEST_F(ThrowingTest, AWorkOnDatabasesThatThrowsFailsAndTheNextIsDone) {
  DatabaseWorks works({.databases = databases_,
                       .jobs = *store_,
                       .objects = *files_,
                       .runner = throwing_,
                       .reader = reader_,
                       .uploads = folder_->path() / "uploads",
                       .mirror = {},
                       .import_dir = LOOM_TESTDATA "/db"});
  const auto add = [&] {
    const auto work = works.add(kAdmin, "proteins_2k");
    EXPECT_TRUE(work) << work.error().message;
    return ended([&] { return works.get(work->id).value(); },
                 [](const DatabaseWork& now) { return now.finished.has_value(); });
  };
  const DatabaseWork failed = add();
  EXPECT_EQ(failed.state, DatabaseWork::State::failed);
  EXPECT_THAT(failed.message, HasSubstr(kReason));
  throwing_.throws = false;
  const DatabaseWork done = add();
  EXPECT_EQ(done.state, DatabaseWork::State::completed) << done.message;
}

}  // namespace
}  // namespace loom::service
