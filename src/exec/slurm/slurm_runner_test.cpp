#include "exec/slurm/slurm_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <future>
#include <iterator>

#include "base/temp_dir.hpp"
#include "exec/slurm/worker.hpp"
#include "testkit/fake_process_runner.hpp"
#include "testkit/mem_object_store.hpp"

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;

std::string after(const std::vector<std::string>& argv, std::string_view flag) {
  for (const std::string& word : argv)
    if (word.starts_with(flag)) return word.substr(flag.size());
  return {};
}

ProcessOutcome says(int exit_code, std::string words) {
  return {.exit_code = exit_code, .stderr_text = std::move(words)};
}

/// Slurm's commands, and what they act on. Nothing starts by itself: a test plays the nodes.
class FakeSlurm {
 public:
  struct Row {
    std::string token, id, state = "PENDING", memory;
  };

  Result<ProcessOutcome> run(const ProcessSpec& spec) {
    const MutexLock lock(mutex_);
    // sbatch gets an environment of its own, by env.
    const std::string command = spec.argv.front() == "env" ? "sbatch" : spec.argv.front();
    if (down_) return says(1, "Unable to contact slurm controller (connect failure)\n");
    std::string text;
    if (command == "sbatch") {
      if (!refusal_.empty()) return says(1, refusal_);
      const std::string token = after(spec.argv, "--comment=loom:");
      const int last = std::stoi(after(spec.argv, "--array=0-"));
      ++arrays_;
      for (int i = 0; i <= last && !swallow_; ++i)
        rows_.push_back({token, fmt::format("{}_{}", next_id_, i), "PENDING", after(spec.argv, "--mem=")});
      ++next_id_;
    } else if (command == "scontrol") {
      text = "MaxArraySize            = 4\n";
    } else if (command == "scancel") {
      for (Row& row : rows_)
        if (std::ranges::find(spec.argv, row.id) != spec.argv.end()) row.state = "CANCELLED";
    } else {
      for (const Row& row : rows_)
        text += fmt::format("{}|{}|n1|None|loom:{}\n", row.id, row.state, row.token);
    }
    std::ofstream(std::get<fs::path>(spec.output)) << text;
    return says(0, "");
  }

  std::vector<Row> rows() {
    const MutexLock lock(mutex_);
    return rows_;
  }
  void set(std::size_t row, const std::string& state) {
    const MutexLock lock(mutex_);
    rows_.at(row).state = state;
  }
  /// As a controller does that was killed before it wrote its state: jobs are gone, numbers come again.
  void forget() {
    const MutexLock lock(mutex_);
    rows_.clear();
    next_id_ = 1;
  }
  int arrays() {
    const MutexLock lock(mutex_);
    return arrays_;
  }
  void down(bool is) {
    const MutexLock lock(mutex_);
    down_ = is;
  }
  void swallow(bool is) {
    const MutexLock lock(mutex_);
    swallow_ = is;
  }
  void refuse(std::string words) {
    const MutexLock lock(mutex_);
    refusal_ = std::move(words);
  }

 private:
  Mutex mutex_;
  std::vector<Row> rows_ GUARDED_BY(mutex_);
  int next_id_ GUARDED_BY(mutex_) = 1;
  int arrays_ GUARDED_BY(mutex_) = 0;
  bool down_ GUARDED_BY(mutex_) = false;
  bool swallow_ GUARDED_BY(mutex_) = false;
  std::string refusal_ GUARDED_BY(mutex_);
};

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
  Result<Worked> work(std::size_t row, testkit::FakeProcessRunner::Script script = copy) {
    const FakeSlurm::Row element = slurm_.rows().at(row);
    slurm_.set(row, "RUNNING");
    const TempDir folder = TempDir::create().value();
    testkit::FakeProcessRunner engine(std::move(script));
    auto worked = run_element(store_, engine,
                              {.token = element.token,
                               .index = std::stoul(element.id.substr(element.id.find('_') + 1)),
                               .node = "n1"},
                              folder.path(), {});
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

TEST_F(SlurmRunnerTest, AStopCancelsTheTaskInSlurm) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  stop_.request_stop();
  EXPECT_EQ(run.get().error().code, Code::cancelled);
  until([&] { return slurm_.rows()[0].state == "CANCELLED"; });
  EXPECT_EQ(work(0).value(), Worked::nothing_to_do) << "a worker that comes late finds nothing";
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
    ASSERT_TRUE(work(i, [](const ProcessSpec&, int) { return says(4, "std::bad_alloc"); }));
  }
  const auto outcome = run.get();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stderr_text, "std::bad_alloc");
  EXPECT_EQ(slurm_.rows().back().memory, "1600M");
}

TEST_F(SlurmRunnerTest, WhatTheProgramRefusesIsNotTriedAgain) {
  auto run = begin("a");
  until([&] { return slurm_.rows().size() == 1; });
  ASSERT_TRUE(work(0, [](const ProcessSpec&, int) { return says(1, "BLAST query error"); }));
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
