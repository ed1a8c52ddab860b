#include "exec/slurm/slurm_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <iterator>
#include <latch>
#include <map>
#include <set>

#include "base/temp_dir.hpp"
#include "exec/slurm/affinity.hpp"
#include "exec/slurm/exchange.hpp"
#include "exec/slurm/left_tasks.hpp"
#include "exec/slurm/worker.hpp"
#include "testkit/fake_process_runner.hpp"
#include "testkit/fake_slurm.hpp"
#include "testkit/forwarding_object_store.hpp"
#include "testkit/mem_object_store.hpp"

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;
using testkit::FakeSlurm;

class SlurmRunnerTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  void start() {
    runner_.reset();
    runner_ = SlurmRunner::start(store_, commands_, settings_, scratch_.path()).value();
  }

  ProcessSpec task(const std::string& name) {
    const fs::path folder = work_.path();
    fs::create_directories(folder / name);
    std::ofstream(folder / name / "in") << "query of " << name;
    ProcessSpec spec;
    spec.argv = {"engine", "-query", folder / name / "in", "-out", folder / name / "out"};
    spec.portable = Portable{.folder = folder, .reads = {fs::path(name) / "in"}, .makes = name};
    return spec;
  }

  std::future<Result<ProcessOutcome>> begin(const std::string& name) {
    return std::async(std::launch::async, [this, spec = task(name)] {
      return runner_->run(spec, Deadline::never(), stop_.get_token());
    });
  }

  /// Waits until `met`; a test that waits in vain is ended by ctest.
  template <class Condition>
  static void until(const Condition& met) {
    while (!met()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  /// What a node does for one element: copies the input to the output, or what `script` does.
  Result<Worked> work(std::size_t row, testkit::FakeProcessRunner::Script script = copy,
                      const std::string& node = "n1", const std::function<Status(ProcessSpec&)>& adapt = {}) {
    const FakeSlurm::Row element = slurm_.rows().at(row);
    slurm_.set(row, "RUNNING");
    const TempDir folder = TempDir::create().value();
    testkit::FakeProcessRunner engine(std::move(script));
    auto worked = run_element(store_, engine,
                              {.token = element.token,
                               .index = std::stoul(element.id.substr(element.id.find('_') + 1)),
                               .node = node},
                              folder.path(), {}, adapt);
    slurm_.set(row, "COMPLETED");
    return worked;
  }

  static Result<ProcessOutcome> copy(const ProcessSpec& spec, int /*number*/) {
    fs::copy_file(spec.argv.at(2), spec.argv.at(4));
    return ProcessOutcome{.cpu = std::chrono::seconds(3), .stderr_text = "read " + spec.argv.at(2)};
  }

  [[nodiscard]] std::string output(const std::string& name) const {
    std::ifstream file(work_.path() / name / "out");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  FakeSlurm slurm_;
  testkit::FakeProcessRunner commands_{
      [this](const ProcessSpec& spec, int /*number*/) { return slurm_.run(spec); }};
  testkit::MemObjectStore store_;
  TempDir work_ = TempDir::create().value();
  TempDir scratch_ = TempDir::create().value();
  std::stop_source stop_;
  Settings settings_{.name = "loom-test",
                     .worker = {"blastloom", "worker"},
                     .memory_bytes = std::uint64_t{100} << 20U,
                     .minutes = 10,
                     .poll = std::chrono::milliseconds(5),
                     .ask = std::chrono::milliseconds(10),
                     .settle = std::chrono::milliseconds(60)};
  std::unique_ptr<SlurmRunner> runner_;
};

TEST_F(SlurmRunnerTest, ATaskRunsOnANodeAndItsFilesComeBack) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  ASSERT_EQ(work(0).value(), Worked::ran);
  const auto outcome = run.get();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->succeeded());
  EXPECT_EQ(outcome->cpu, std::chrono::seconds(3));
  EXPECT_EQ(outcome->stderr_text, "read " + (work_.path() / "a/in").string())
      << "the node's own path is not told";
  EXPECT_EQ(output("a"), "query of a");
  EXPECT_EQ(slurm_.rows()[0].memory, "100M");
  until([&] { return store_.list("", "", 10, Deadline::never())->empty(); });
}

TEST_F(SlurmRunnerTest, TasksThatComeTogetherGoOutInArraysThatSlurmAllows) {
  std::vector<std::future<Result<ProcessOutcome>>> runs;
  until([&] { return !commands_.runs().empty(); });
  for (int i = 0; i < 10; ++i) runs.push_back(begin(fmt::format("t{}", i)));
  until([&] { return slurm_.rows().size() == 10; });
  EXPECT_GE(slurm_.arrays(), 3) << "MaxArraySize is 4";
  EXPECT_LT(slurm_.arrays(), 10);
  for (std::size_t i = 0; i < 10; ++i) ASSERT_TRUE(work(i));
  for (auto& run : runs) EXPECT_TRUE(run.get());
}

TEST_F(SlurmRunnerTest, NoMoreTasksAreOutstandingThanAllowed) {
  settings_.most_outstanding = 2;
  start();
  std::vector<std::future<Result<ProcessOutcome>>> runs;
  for (int i = 0; i < 5; ++i) runs.push_back(begin(fmt::format("t{}", i)));
  for (std::size_t i = 0; i < 5; ++i) {
    until([&] { return slurm_.rows().size() > i; });
    EXPECT_LE(slurm_.rows().size(), i + 2);
    ASSERT_TRUE(work(i));
  }
  for (auto& run : runs) EXPECT_TRUE(run.get());
}

/// One array of tasks that read several parts, and nodes that work it off without a server.
class SlurmAffinityTest : public SlurmRunnerTest {
 protected:
  static constexpr std::size_t kParts = 4;
  static constexpr std::size_t kTasks = kParts * 6;

  void SetUp() override {
    settings_.part_of = [](const ProcessSpec& spec) { return part_in(spec.argv.at(4)); };
    start();
  }

  /// Tasks are called by the part that they read, and a number.
  static std::string part_in(const fs::path& output) {
    const std::string name = output.parent_path().filename().string();
    return name.substr(0, name.find('-'));
  }

  void put(bool parts_known, std::size_t count = kTasks) {
    Exchange exchange(store_);
    std::vector<ArrayTask> tasks;
    for (std::size_t i = 0; i < count; ++i) {
      const ProcessSpec spec = task(fmt::format("p{}-{}", i / 2 % kParts, i));
      tasks.push_back(
          {Exchange::key_of(spec).value(), parts_known ? part_in(spec.argv.at(4)) : std::string()});
      ASSERT_TRUE(exchange.put_task(tasks.back().key, spec, Deadline::never()));
    }
    ASSERT_TRUE(exchange.put_array("array", tasks, Deadline::never()));
  }

  /// Every element that begins runs something, at once.
  void begin_element(std::size_t index, const std::string& node) {
    const TempDir folder = TempDir::create().value();
    testkit::FakeProcessRunner engine([&](const ProcessSpec& spec, int number) {
      read_.emplace(node, part_in(spec.argv.at(4)));
      return copy(spec, number);
    });
    const auto worked =
        run_element(store_, engine, {.token = "array", .index = index, .node = node}, folder.path(), {});
    ASSERT_EQ(worked.value(), Worked::ran);
  }

  void send() {
    for (std::size_t i = 0; i < kTasks; ++i) runs_.push_back(begin(fmt::format("p{}-{}", i % kParts, i)));
    until([&] { return slurm_.rows().size() == kTasks; });
  }

  std::set<std::pair<std::string, std::string>> read_;  // node and part
  std::vector<std::future<Result<ProcessOutcome>>> runs_;
};

TEST_F(SlurmAffinityTest, ANodeStaysWithThePartsThatItHas) {
  put(true);
  for (std::size_t i = 0; i < kTasks; ++i) begin_element(i, i % 2 == 0 ? "n1" : "n2");
  EXPECT_EQ(read_.size(), kParts) << "each part was read by one node";
  EXPECT_EQ(Exchange(store_).ended(Deadline::never())->size(), kTasks);
}

TEST_F(SlurmAffinityTest, WithoutPartsEachNodeReadsAll) {
  put(false);
  for (std::size_t i = 0; i < kTasks; ++i) begin_element(i, i % 2 == 0 ? "n1" : "n2");
  EXPECT_EQ(read_.size(), 2 * kParts);
}

TEST_F(SlurmAffinityTest, ANodeThatHasNothingWarmTakesWhatIsLeft) {
  put(true);
  for (std::size_t i = 0; i + 3 < kTasks; ++i) begin_element(i, "n1");
  for (std::size_t i = kTasks - 3; i < kTasks; ++i) begin_element(i, fmt::format("n{}", i));
  EXPECT_EQ(Exchange(store_).ended(Deadline::never())->size(), kTasks);
}

TEST_F(SlurmAffinityTest, AnElementThatIsLostLosesTheTaskThatItTook) {
  send();
  ASSERT_TRUE(work(0));
  const FakeSlurm::Row dead = slurm_.rows().at(1);
  const TempDir folder = TempDir::create().value();
  std::stop_source stop;
  testkit::FakeProcessRunner engine([&](const ProcessSpec&, int) -> Result<ProcessOutcome> {
    stop.request_stop();
    return ProcessOutcome{.signal = SIGKILL};
  });
  const std::size_t index = std::stoul(dead.id.substr(dead.id.find('_') + 1));
  EXPECT_FALSE(run_element(store_, engine, {.token = dead.token, .index = index, .node = "n1"}, folder.path(),
                           stop.get_token()));
  slurm_.set(1, "NODE_FAIL");
  until([&] { return runner_->counts().lost == 1; });
  for (std::size_t i = 2; i < kTasks; ++i) ASSERT_TRUE(work(i, copy, "n2"));
  std::size_t lost = 0;
  for (auto& run : runs_) lost += run.get() ? 0 : 1;
  EXPECT_EQ(lost, 1U);
}

/// Element 1 moves from line 0 to line 1 while the claims are listed for the first time.
class MovingClaim final : public testkit::ForwardingObjectStore {
 public:
  using ForwardingObjectStore::ForwardingObjectStore;
  int lists = 0;

  Result<std::vector<storage::ObjectInfo>> list(std::string_view prefix, std::string_view after,
                                                std::size_t max_count, Deadline deadline) override {
    auto listed = ForwardingObjectStore::list(prefix, after, max_count, deadline);
    if (prefix != "slurm/arrays/array/claims/" || ++lists > 1) return listed;
    EXPECT_TRUE(Exchange(*this).give_up("array", {.line = 0, .element = 1}, deadline));
    return listed;
  }
};

TEST_F(SlurmAffinityTest, ALineThatSeemedClaimedByOneThatMovesIsTaken) {
  put(true, 4);
  Exchange exchange(store_);
  const std::vector<Claim> moved{
      {.line = 1, .element = 1}, {.line = 2, .element = 2}, {.line = 3, .element = 3}};
  ASSERT_TRUE(exchange.claim("array", {.line = 0, .element = 1}, true, Deadline::never()));
  for (const Claim& claim : moved) ASSERT_TRUE(exchange.claim("array", claim, true, Deadline::never()));
  MovingClaim moving(store_);
  testkit::FakeProcessRunner engine(copy);
  const TempDir folder = TempDir::create().value();
  const Element free{.token = "array", .index = 0, .node = "n1"};
  EXPECT_EQ(run_element(moving, engine, free, folder.path(), {}).value(), Worked::ran);
  EXPECT_GT(moving.lists, 1);
  auto claims = exchange.claims("array", Deadline::never()).value();
  EXPECT_EQ(claims.front(), (Claim{.line = 0, .element = 0}));
  claims.erase(claims.begin());
  EXPECT_EQ(claims, moved);
}

TEST_F(SlurmAffinityTest, AStopCancelsTheElementThatTookTheTask) {
  send();
  stop_.request_stop();
  for (auto& run : runs_) EXPECT_EQ(run.get().error().code, Code::cancelled);
  until([&] {
    return std::ranges::all_of(slurm_.rows(), [](const auto& row) { return row.state == "CANCELLED"; });
  });
  until([&] { return store_.list("slurm/arrays/", "", 10, Deadline::never())->empty(); });
}

TEST(SlurmPreference, IsForTheWarmThenTheColdThenTheNodesOwn) {
  const std::vector<ArrayTask> tasks{{"k0", "a"}, {"k1", "b"}, {"k2", "c"}, {"k3", ""}, {"k4", "b"}};
  const WarmParts warm{{"a", "n2"}, {"a", "n3"}, {"b", "n1"}};
  const auto lines = preference(tasks, {}, warm, 2, "n1");
  EXPECT_EQ(std::vector(lines.begin(), lines.begin() + 2), (std::vector<std::size_t>{4, 1}));
  EXPECT_EQ(lines.back(), 0U) << "two nodes have it";
  EXPECT_EQ(preference(tasks, {1, 3, 4}, warm, 0, "n4"), (std::vector<std::size_t>{2, 0}));
  EXPECT_TRUE(preference(tasks, {0, 1, 2, 3, 4}, warm, 0, "n4").empty());
}

TEST(SlurmExchange, NoTwoHaveOneLine) {
  testkit::MemObjectStore store;
  Exchange exchange(store);
  const auto never = Deadline::never();
  EXPECT_EQ(exchange.claim("t", {.line = 3, .element = 7}, false, never), Claimed::ours);
  EXPECT_EQ(exchange.claim("t", {.line = 3, .element = 1}, false, never), Claimed::anothers);
  EXPECT_EQ(exchange.claim("t", {.line = 33, .element = 1}, false, never), Claimed::ours);
  EXPECT_EQ(exchange.claims("t", never).value(),
            (std::vector<Claim>{{.line = 3, .element = 7}, {.line = 33, .element = 1}}));
  EXPECT_EQ(exchange.claim("t", {.line = 3, .element = 2}, true, never), Claimed::ours);
}

TEST(SlurmExchange, WhyATaskFailedKeepsItsCode) {
  testkit::MemObjectStore store;
  Exchange exchange(store);
  const TempDir folder = TempDir::create().value();
  fs::create_directory(folder.path() / "out");
  ProcessSpec spec;
  spec.portable = Portable{.folder = folder.path(), .reads = {}, .makes = "out"};
  for (const Code code : {Code::too_large, Code::too_many, Code::cancelled, Code::disk_full}) {
    const TaskEnd end{.outcome = {},
                      .error = error(code, "it would not run"),
                      .node = "n1",
                      .attempt = "1",
                      .folder = {},
                      .not_staged = error(code, "no copy")};
    ASSERT_TRUE(exchange.put_end("task", spec, end, Deadline::never()));
    const auto found = exchange.find_end("task", Deadline::never()).value();
    ASSERT_TRUE(found && found->error && found->not_staged);
    EXPECT_EQ(found->error->code, code);
    EXPECT_EQ(found->not_staged->code, code);
  }
}

TEST_F(SlurmRunnerTest, AStopCancelsTheTaskInSlurm) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  stop_.request_stop();
  EXPECT_EQ(run.get().error().code, Code::cancelled);
  until([&] { return slurm_.rows()[0].state == "CANCELLED"; });
  EXPECT_EQ(work(0).value(), Worked::nothing_to_do) << "a worker that comes late finds nothing";
}

/// Holds the first removal of a task's spec until it is let go, and counts how many specs were put.
class HeldWithdrawal final : public testkit::ForwardingObjectStore {
 public:
  using ForwardingObjectStore::ForwardingObjectStore;
  std::latch begun{1};
  std::latch go{1};
  std::atomic<int> specs = 0;

  Status put(const storage::ObjectKey& key, std::span<const std::byte> body, Deadline deadline) override {
    if (key.str().ends_with("/spec")) ++specs;
    return ForwardingObjectStore::put(key, body, deadline);
  }
  Status remove(const storage::ObjectKey& key, Deadline deadline) override {
    if (key.str().ends_with("/spec") && !held_.exchange(true)) {
      begun.count_down();
      go.wait();
    }
    return ForwardingObjectStore::remove(key, deadline);
  }

 private:
  std::atomic<bool> held_ = false;
};

TEST_F(SlurmRunnerTest, AKeyIsFreeOnlyWhenItsOldTaskIsOutOfTheStore) {
  runner_.reset();
  HeldWithdrawal held(store_);
  const auto runner = SlurmRunner::start(held, commands_, settings_, scratch_.path()).value();
  const auto send = [&runner, spec = task("a")](Deadline deadline, const std::stop_token& stop) {
    return runner->run(spec, deadline, stop);
  };
  auto old = std::async(std::launch::async, [&] { return send(Deadline::never(), stop_.get_token()); });
  until([&] { return slurm_.rows().size() == 1; });
  stop_.request_stop();
  held.begun.wait();
  EXPECT_EQ(send(Deadline::in(std::chrono::milliseconds(20)), {}).error().code, Code::timed_out);
  EXPECT_EQ(held.specs, 1) << "the spec that is being removed would have been the new one";
  auto next = std::async(std::launch::async, [&] { return send(Deadline::never(), {}); });
  held.go.count_down();
  EXPECT_EQ(old.get().error().code, Code::cancelled);
  until([&] { return slurm_.rows().size() == 2; });
  EXPECT_EQ(work(1).value(), Worked::ran);
  EXPECT_TRUE(next.get());
}

TEST_F(SlurmRunnerTest, ALossIsToldWithSlurmsWords) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  slurm_.set(0, "NODE_FAIL");
  const auto outcome = run.get();
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_NE(outcome.error().message.find("NODE_FAIL, on n1"), std::string::npos) << outcome.error().message;
  EXPECT_EQ(runner_->counts().lost, 1U);
}

TEST_F(SlurmRunnerTest, APreemptedTaskIsSentAgain) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  slurm_.set(0, "PREEMPTED");
  until([&] { return slurm_.rows().size() == 2; });
  ASSERT_TRUE(work(1));
  EXPECT_TRUE(run.get());
}

TEST_F(SlurmRunnerTest, AnEndThatComesLateIsNoLoss) {
  settings_.settle = std::chrono::seconds(30);
  start();
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  slurm_.set(0, "COMPLETED");
  until([&] { return commands_.runs().size() > 8; });
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(run.get());
}

TEST_F(SlurmRunnerTest, AControllerThatLostTheJobAndGaveItsNumberToAnotherIsNoticed) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  const std::string lost = slurm_.rows()[0].id;
  slurm_.forget();
  until([&] { return slurm_.rows().size() == 1; });
  EXPECT_EQ(slurm_.rows()[0].id, lost) << "the same number";
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(run.get());
}

TEST_F(SlurmRunnerTest, ASilentControllerIsWaitedForAndNamed) {
  slurm_.down(true);
  auto run = begin("a");
  until([&] { return runner_->waits_for(work_.path()) == "Slurm, which does not answer"; });
  EXPECT_TRUE(runner_->counts().unreachable);
  slurm_.down(false);
  until([&] { return slurm_.rows().size() == 1; });
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(run.get());
  until([&] { return !runner_->counts().unreachable; });
}

TEST_F(SlurmRunnerTest, ATaskThatSlurmTookAndNeverKnewIsSentAgainButNotForEver) {
  slurm_.swallow(true);
  auto run = begin("a");
  EXPECT_EQ(run.get().error().code, Code::unavailable);
  EXPECT_EQ(slurm_.arrays(), 5);
}

TEST_F(SlurmRunnerTest, MoreMemoryIsAskedForWhenItRanOut) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  slurm_.set(0, "OUT_OF_MEMORY");
  until([&] { return slurm_.rows().size() == 2; });
  EXPECT_EQ(slurm_.rows()[1].memory, "200M");
  ASSERT_TRUE(work(1, [](const ProcessSpec&, int) { return ProcessOutcome{.signal = SIGKILL}; }));
  until([&] { return slurm_.rows().size() == 3; });
  EXPECT_EQ(slurm_.rows()[2].memory, "400M");
  ASSERT_TRUE(work(2));
  EXPECT_TRUE(run.get()->succeeded());
  EXPECT_EQ(runner_->counts().grown, 2U);
}

TEST_F(SlurmRunnerTest, MemoryGrowsUpToALimitAndTheFailureIsThenTold) {
  auto run = begin("a");
  for (std::size_t i = 0; i < 5; ++i) {
    until([&] { return slurm_.rows().size() == i + 1; });
    ASSERT_TRUE(work(i, [](const ProcessSpec&, int) {
      return ProcessOutcome{.exit_code = 4, .stderr_text = "std::bad_alloc"};
    }));
  }
  const auto outcome = run.get();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stderr_text, "std::bad_alloc");
  EXPECT_EQ(slurm_.rows().back().memory, "1600M");
}

TEST_F(SlurmRunnerTest, WhatTheProgramRefusesIsNotTriedAgain) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  ASSERT_TRUE(work(0, [](const ProcessSpec&, int) {
    return ProcessOutcome{.exit_code = 1, .stderr_text = "BLAST query error"};
  }));
  EXPECT_EQ(run.get()->exit_code, 1);
  EXPECT_EQ(slurm_.arrays(), 1);
}

TEST_F(SlurmRunnerTest, WhatSlurmRefusesIsTold) {
  slurm_.refuse("sbatch: error: invalid partition specified: gpu");
  const auto refused = begin("a").get();
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  EXPECT_NE(refused.error().message.find("gpu"), std::string::npos);
}

TEST_F(SlurmRunnerTest, TheNextServerGoesOnWithWhatAKilledOneSent) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  runner_->detach();
  stop_.request_stop();
  EXPECT_EQ(run.get().error().code, Code::cancelled);
  start();
  stop_ = std::stop_source();
  auto next = begin("a");
  until([&] { return runner_->counts().adopted == 1; });
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(next.get());
  EXPECT_EQ(output("a"), "query of a");
  EXPECT_EQ(slurm_.arrays(), 1) << "it was not sent again";
}

TEST_F(SlurmRunnerTest, WhatNobodyClaimsIsCancelled) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  runner_->detach();
  stop_.request_stop();
  EXPECT_FALSE(run.get());
  settings_.unclaimed = {};
  start();
  until([&] { return slurm_.rows()[0].state == "CANCELLED"; });
  until([&] { return store_.list("", "", 10, Deadline::never())->empty(); });
}

TEST_F(SlurmRunnerTest, AWorkerThatIsStoppedPutsNoEnd) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  const TempDir folder = TempDir::create().value();
  std::stop_source stop;
  testkit::FakeProcessRunner engine([&](const ProcessSpec&, int) -> Result<ProcessOutcome> {
    stop.request_stop();
    return ProcessOutcome{.signal = SIGTERM};
  });
  const auto worked = run_element(store_, engine, {.token = slurm_.rows()[0].token, .node = "n1"},
                                  folder.path(), stop.get_token());
  EXPECT_EQ(worked.error().code, Code::cancelled);
  ASSERT_TRUE(work(0)) << "Slurm runs it again";
  EXPECT_TRUE(run.get()->succeeded());
}

TEST_F(SlurmRunnerTest, AProgramThatEndsOfTheStopBeforeItsWorkerHearsOfItHasNoEndEither) {
  auto run = begin("a");
  const auto stopped = [](const ProcessOutcome& outcome) {
    return [outcome](const ProcessSpec&, int) { return outcome; };
  };
  until([&] { return slurm_.rows().size() == 1; });
  EXPECT_EQ(work(0, stopped({.signal = SIGTERM})).error().code, Code::cancelled);
  slurm_.set(0, "TIMEOUT");
  until([&] { return slurm_.rows().size() == 2; });
  EXPECT_EQ(slurm_.rows()[1].minutes, "20") << "it is Slurm's word that counts";
  EXPECT_EQ(work(1, stopped({.exit_code = 128 + SIGTERM})).error().code, Code::cancelled);
  slurm_.set(1, "PREEMPTED");
  until([&] { return slurm_.rows().size() == 3; });
  ASSERT_TRUE(work(2));
  EXPECT_TRUE(run.get()->succeeded());
}

TEST_F(SlurmRunnerTest, ALostTaskThatComesAgainKeepsWhatItHasGrownTo) {
  auto first = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  slurm_.set(0, "TIMEOUT");
  until([&] { return slurm_.rows().size() == 2; });
  slurm_.set(1, "NODE_FAIL");
  EXPECT_EQ(first.get().error().code, Code::unavailable);
  auto second = begin("a");
  until([&] { return slurm_.rows().size() == 3; });
  EXPECT_EQ(slurm_.rows()[2].minutes, "20");
  ASSERT_TRUE(work(2));
  EXPECT_TRUE(second.get());
  auto third = begin("a");
  until([&] { return slurm_.rows().size() == 4; });
  EXPECT_EQ(slurm_.rows()[3].minutes, "10") << "it ended, and is forgotten";
  ASSERT_TRUE(work(3));
  EXPECT_TRUE(third.get());
}

TEST_F(SlurmRunnerTest, AnElementThatSlurmHoldsBackIsMadeToStart) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  slurm_.hold(0);
  until([&] { return slurm_.rows()[0].reason == "None"; });
  EXPECT_EQ(slurm_.rows().size(), 1U) << "it is the same element";
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(run.get());

  settings_.site.extra = {"--begin=20:00"};
  start();
  auto late = begin("b");
  until([&] { return slurm_.rows().size() == 2; });
  slurm_.hold(1);
  const auto questions = [&] {
    const auto runs = commands_.runs();
    return std::ranges::count_if(runs, [](const auto& spec) { return spec.argv.front() == "squeue"; });
  };
  const auto asked = questions();
  until([&] { return questions() > asked + 2; });
  EXPECT_EQ(slurm_.rows()[1].reason, "BeginTime") << "the site wants it so";
  ASSERT_TRUE(work(1));
  EXPECT_TRUE(late.get());
}

TEST_F(SlurmRunnerTest, WhatPassesIsWaitedFor) {
  slurm_.refuse(
      "sbatch: error: Batch job submission failed: Required partition not available (inactive or drain)");
  auto run = begin("a");
  until([&] {
    const auto runs = commands_.runs();
    return std::ranges::any_of(
        runs, [](const auto& spec) { return spec.argv.front() == "env" && spec.argv.back() != "--version"; });
  });
  slurm_.refuse("");
  until([&] { return slurm_.rows().size() == 1; });
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(run.get());
}

TEST_F(SlurmRunnerTest, TheSitesOptionsTakeNothingOfATasksIdentity) {
  settings_.site.extra = {"--comment=x", "--output=/log"};
  start();
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  const auto argv = [&] {
    for (const ProcessSpec& spec : commands_.runs())
      if (std::ranges::any_of(spec.argv, [](const auto& word) { return word.starts_with("--comment="); }))
        return spec.argv;
    return std::vector<std::string>();
  }();
  const auto place = [&](std::string_view word) {
    return std::ranges::find_if(argv, [&](const auto& one) { return one.starts_with(word); });
  };
  EXPECT_LT(place("--comment=x"), place("--comment=loom:")) << "the last one counts";
  EXPECT_LT(place("--output=/dev/null"), place("--output=/log"));
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(run.get());
}

TEST_F(SlurmRunnerTest, MissingProgramsAndPartitionsAreToldAtTheStart) {
  const auto said = [&] {
    return SlurmRunner::start(store_, commands_, settings_, scratch_.path()).error().message;
  };
  for (const char* command : {"sbatch", "squeue", "scancel", "scontrol"}) {
    slurm_.lack(command);
    EXPECT_TRUE(said().starts_with(std::string(command) + ": not found")) << said();
  }
  slurm_.lack("");
  settings_.site.partition = "main,gpu";
  EXPECT_EQ(said(), "Slurm knows no partition 'gpu'");
  slurm_.down(true);
  EXPECT_TRUE(SlurmRunner::start(store_, commands_, settings_, scratch_.path())) << "it may come back";
}

TEST_F(SlurmRunnerTest, ProgramsThatVanishAreAsGoodAsNoAnswer) {
  slurm_.lack("squeue");
  auto run = begin("a");
  until([&] { return runner_->counts().unreachable.has_value(); });
  slurm_.lack("");
  until([&] { return slurm_.rows().size() == 1; });
  ASSERT_TRUE(work(0));
  EXPECT_TRUE(run.get());
}

TEST_F(SlurmRunnerTest, WhatALostTaskTookIsCountedOnceWhenItsAccountCame) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  const std::string token = slurm_.rows()[0].token;
  slurm_.set(0, "NODE_FAIL");
  EXPECT_FALSE(run.get());
  until([&] { return store_.list("slurm/lost/", "", 10, Deadline::never())->size() == 1; });
  start();  // another run of the server
  std::vector<LateUse> uses;
  auto answer = Counted::not_yet;
  const auto count = [&](const LateUse& use) {
    uses.push_back(use);
    return answer;
  };
  EXPECT_EQ(runner_->account(count).value(), 0U);
  EXPECT_TRUE(uses.empty()) << "Slurm has nothing of it yet";
  slurm_.account(
      "1_0|NODE_FAIL|0:0|100|00:00:07|||\n"  // no line of sacct, and another's job of the same number:
      "1_0|COMPLETED|0:0|9|00:00:09||n3||sbatch --comment=loom:abc x.sh\n"
      "1_0|NODE_FAIL|1:0|100|00:00:00||n1||sbatch --comment=loom:" +
      token + " x.sh\n1_0.batch|CANCELLED|0:9|98|01:02.500|2048K|n1||\n");
  EXPECT_EQ(runner_->account(count).value(), 0U);
  answer = Counted::yes;
  EXPECT_EQ(runner_->account(count).value(), 1U);
  ASSERT_EQ(uses.size(), 2U);
  EXPECT_EQ(uses[1].folder, work_.path());
  EXPECT_EQ(uses[1].wall, std::chrono::seconds(100));
  EXPECT_EQ(uses[1].cpu, std::chrono::milliseconds(62'500));
  EXPECT_EQ(uses[1].peak_bytes, std::uint64_t{2} << 20U);
  EXPECT_EQ(runner_->account(count).value(), 0U);
  EXPECT_EQ(uses.size(), 2U);
  EXPECT_EQ(runner_->counts().accounted, 1U);
}

TEST_F(SlurmRunnerTest, AServerWithoutSlurmEndsWhatOneWithItLeft) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  slurm_.set(0, "RUNNING");
  runner_->detach();
  stop_.request_stop();
  EXPECT_FALSE(run.get());
  runner_.reset();
  slurm_.down(true);
  auto left = end_left_tasks(store_, commands_, settings_.name, scratch_.path()).value();
  EXPECT_EQ(left.arrays, 1U);
  EXPECT_EQ(left.untold->code, Code::unavailable);
  EXPECT_EQ(work(0).value(), Worked::nothing_to_do) << "what begins late finds no task";
  slurm_.set(0, "RUNNING");
  slurm_.down(false);
  left = end_left_tasks(store_, commands_, settings_.name, scratch_.path()).value();
  EXPECT_FALSE(left.untold);
  EXPECT_EQ(left.ended, 1U);
  EXPECT_EQ(slurm_.rows()[0].state, "CANCELLED");
  EXPECT_TRUE(store_.list("", "", 10, Deadline::never())->empty());
  EXPECT_EQ(end_left_tasks(store_, commands_, settings_.name, scratch_.path())->arrays, 0U);
}

TEST_F(SlurmRunnerTest, WhyANodeReadSharedFilesIsToldWithoutTheirNames) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  ASSERT_TRUE(work(0, copy, "n7", [](ProcessSpec&) {
    return Status(error(Code::disk_full, "copy /shared/nr.psq: No space left on device"));
  }));
  const auto outcome = run.get();
  ASSERT_TRUE(outcome && outcome->succeeded());
  EXPECT_EQ(
      outcome->note,
      "Node n7 could not copy the database to its own disk: there was no room for it. It read the shared "
      "files, which may be slower.");
}

TEST(SlurmElements, OnlyOurLinesAreRead) {
  const Elements elements = parse_elements(
      "12_3|RUNNING|n2|None|loom:abc\n13|RUNNING|n1|None|other\n14_[0-2]|PENDING||Resources|loom:"
      "x\nnonsense\n");
  ASSERT_EQ(elements.size(), 1U);
  EXPECT_EQ(elements.begin()->first, (std::pair<std::string, std::size_t>("abc", 3)));
  EXPECT_EQ(elements.begin()->second.nodes, "n2");
}

}  // namespace
}  // namespace loom::exec::slurm
