// What is removed stays removed: a job whose output is being made in another format while it is deleted. Over
// the real scheduler and stores; the engine's run and the write of the output are held at will.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "local_service.hpp"
#include "testkit/forwarding_object_store.hpp"
#include "testkit/never.hpp"

namespace loom::service {
namespace {

namespace fs = std::filesystem;

const Caller kAnn{"ann", Role::user};

/// Somewhere that one call waits at, once it is closed.
class Gate {
 public:
  void close() { closed_ = true; }
  void open() { go_.count_down(); }
  void wait_until_reached() { reached_.wait(); }
  /// False: it was not closed, or another call was first.
  bool pass() {
    if (!closed_.exchange(false)) return false;
    reached_.count_down();
    go_.wait();
    return true;
  }

 private:
  std::atomic<bool> closed_ = false;
  std::latch reached_{1};
  std::latch go_{1};
};

/// A run that was held does not hear of its stop, as one that ends at that moment.
class HeldRunner final : public exec::ProcessRunner {
 public:
  Gate gate;
  std::atomic<bool> cancels = false;  ///< the next run ends as if it was stopped

  Result<exec::ProcessOutcome> run(const exec::ProcessSpec& spec, Deadline deadline,
                                   std::stop_token stop) override {
    if (cancels.exchange(false)) return error(Code::cancelled, "stopped");
    return gate.pass() ? real_.run(spec, deadline, {}) : real_.run(spec, deadline, std::move(stop));
  }

 private:
  exec::LocalProcessRunner real_;
};

class HeldWriter final : public storage::ObjectWriter {
 public:
  HeldWriter(std::unique_ptr<storage::ObjectWriter> inner, Gate& gate)
      : inner_(std::move(inner)), gate_(gate) {}
  Status write(std::span<const std::byte> bytes, Deadline deadline) override {
    return inner_->write(bytes, deadline);
  }
  Status commit(Deadline deadline) override {
    gate_.pass();
    return inner_->commit(deadline);
  }

 private:
  std::unique_ptr<storage::ObjectWriter> inner_;
  Gate& gate_;
};

/// Holds the commit of a writer.
class HeldStore final : public testkit::ForwardingObjectStore {
 public:
  using ForwardingObjectStore::ForwardingObjectStore;
  Gate gate;

  Result<std::unique_ptr<storage::ObjectWriter>> open_writer(const storage::ObjectKey& key,
                                                             Deadline deadline) override {
    LOOM_TRY(auto writer, ForwardingObjectStore::open_writer(key, deadline));
    return std::make_unique<HeldWriter>(std::move(writer), gate);
  }
};

class JobRemoval : public LocalServiceTest {
 protected:
  void SetUp() override {
    make({.cores = 1,
          .memory_bytes = std::uint64_t{1} << 30U,
          .work = {},
          .weights = {},
          .reuse = {.folder = folder_->path() / "reuse"}},
         engine_, objects_);
    ASSERT_TRUE(scheduler_->start());
  }

  /// A test that waits in vain is ended by ctest.
  template <class Condition>
  static void until(const Condition& met) {
    while (!met()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  store::JobId completed_job() {
    auto query = jobs_->begin_upload(kAnn).value();
    EXPECT_TRUE(query->write(">q\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEK\n"));
    const auto made =
        jobs_->submit(kAnn, {.program = "blastp", .database = "proteins_2k", .options = {}, .title = {}},
                      std::move(query), std::nullopt, kNever);
    EXPECT_TRUE(made) << made.error().message;
    const store::JobId id = made.value().job.id;
    const auto state = [&] { return jobs_->get(kAnn, id, kNever).value().state; };
    until([&] { return state() == store::JobState::completed || state() == store::JobState::failed; });
    EXPECT_EQ(state(), store::JobState::completed);
    until([&] { return idle(); });
    return id;
  }

  /// In a format that is not its own.
  std::future<Result<Rendered>> ask_for_output(const store::JobId& id) {
    return std::async(std::launch::async,
                      [this, id] { return jobs_->output(kAnn, id, {.outfmt = "5"}, kNever); });
  }

  bool idle() {
    const auto counts = scheduler_->counts();
    return counts.cores_busy == 0 && counts.active_jobs == 0 && counts.waiting_jobs == 0;
  }

  /// Objects of jobs, and folders of work that is under way.
  std::string left() {
    std::string all;
    const auto objects = files_->list("jobs/", "", 10, kNever).value();
    for (const storage::ObjectInfo& one : objects) all += one.key.str() + " ";
    for (const auto& one : fs::directory_iterator(folder_->path() / "work"))
      if (one.is_directory()) all += one.path().filename().string() + " ";
    return all;
  }

  HeldRunner engine_;
  HeldStore objects_{*files_};
};

TEST_F(JobRemoval, EndsTheSearchForAnotherFormatAndNothingIsWrittenAfterIt) {
  const store::JobId id = completed_job();
  engine_.gate.close();
  auto output = ask_for_output(id);
  engine_.gate.wait_until_reached();
  EXPECT_TRUE(jobs_->remove(kAnn, id, kNever));
  const auto told = output.get();
  engine_.gate.open();
  ASSERT_FALSE(told) << "who waits is told, and need not wait for the search";
  EXPECT_EQ(told.error().code, Code::not_found) << told.error().message;
  until([&] { return idle(); });
  EXPECT_EQ(left(), "");
}

TEST_F(JobRemoval, WaitsForAnOutputThatIsJustBeingWrittenAndRemovesItToo) {
  const store::JobId id = completed_job();
  objects_.gate.close();
  auto output = ask_for_output(id);
  objects_.gate.wait_until_reached();
  auto removed = std::async(std::launch::async, [&] { return jobs_->remove(kAnn, id, kNever); });
  until([&] { return !jobs_->get(kAnn, id, kNever); });  // it has begun
  EXPECT_EQ(removed.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  objects_.gate.open();
  EXPECT_TRUE(removed.get());
  EXPECT_EQ(output.get().error().code, Code::not_found);
  until([&] { return idle(); });
  EXPECT_EQ(left(), "");
}

TEST_F(JobRemoval, AnOutputThatIsAskedForAtThatMomentIsNotMade) {
  const store::JobId id = completed_job();
  store::Job job = jobs_->get(kAnn, id, kNever).value();
  ASSERT_TRUE(jobs_->remove(kAnn, id, kNever));
  // Its query was read before that.
  const std::string query = ">q\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEK\n";
  job.request.query_key = "queries/q";
  ASSERT_TRUE(files_->put(storage::ObjectKey::parse(job.request.query_key).value(),
                          std::as_bytes(std::span(query)), kNever));
  const auto key = storage::ObjectKey::parse("jobs/" + id.str() + "/rendered/35-").value();
  const Status made = scheduler_->render(job, "5", key, kNever);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::not_found) << made.error().message;
  until([&] { return idle(); });
  EXPECT_EQ(left(), "");
}

TEST_F(JobRemoval, WhoWaitsForAnOutputWhoseSearchWasStoppedIsToldSo) {
  const store::JobId id = completed_job();
  engine_.cancels = true;
  const auto told = ask_for_output(id).get();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Code::unavailable) << told.error().message;
  const auto again = ask_for_output(id).get();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->file) << "it is made when it is asked for again";
}

}  // namespace
}  // namespace loom::service
