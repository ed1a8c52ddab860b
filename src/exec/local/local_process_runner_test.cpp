#include "exec/local/local_process_runner.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "testkit/never.hpp"

namespace loom::exec {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

ProcessSpec shell(std::string script) {
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", std::move(script)};
  return spec;
}

class LocalProcessRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(dir_) << dir_.error().message; }
  ProcessOutcome run(const ProcessSpec& spec) {
    auto outcome = runner_.run(spec, kNever, {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : ProcessOutcome{};
  }
  /// What `script` writes to its stdout.
  std::string output_of(ProcessSpec spec) {
    spec.output = dir_->path() / "out";
    EXPECT_TRUE(run(spec).succeeded());
    return contents(dir_->path() / "out");
  }

  LocalProcessRunner runner_;
  Result<TempDir> dir_ = TempDir::create();
};

TEST_F(LocalProcessRunnerTest, ReportsExitCodeSignalAndStderr) {
  const ProcessOutcome failed = run(shell("echo why >&2; exit 3"));
  EXPECT_EQ(failed.exit_code, 3);
  EXPECT_EQ(failed.signal, 0);
  EXPECT_EQ(failed.stderr_text, "why\n");
  EXPECT_FALSE(failed.succeeded());
  const ProcessOutcome killed = run(shell("kill -KILL $$"));
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_FALSE(killed.succeeded());
}

TEST_F(LocalProcessRunnerTest, ArgumentsReachTheProgramUntouched) {
  ProcessSpec spec;
  spec.argv = {"printf", "%s|", "a b", "$HOME", "*", ""};
  EXPECT_EQ(output_of(spec), "a b|$HOME|*||");
}

TEST_F(LocalProcessRunnerTest, StreamsFolderAndEnvironmentAreThoseAsked) {
  std::ofstream(dir_->path() / "in") << "input\n";
  ProcessSpec spec = shell("cat; pwd -P; echo $TMPDIR $LOOM_TEST $(ulimit -c)");
  spec.input = dir_->path() / "in";
  spec.working_dir = dir_->path();
  spec.temp_dir = dir_->path() / "tmp";
  spec.environment = {"LOOM_TEST=yes"};
  const std::string here = fs::canonical(dir_->path()).string();
  EXPECT_EQ(output_of(spec), "input\n" + here + "\n" + (dir_->path() / "tmp").string() + " yes 0\n");
}

TEST_F(LocalProcessRunnerTest, WithoutInputReadsNothing) {
  EXPECT_EQ(output_of(shell("cat")), "");
}

TEST_F(LocalProcessRunnerTest, BorrowedDescriptorsStayOpenHereAndNoOtherReachesTheChild) {
  const fs::path in = dir_->path() / "in";
  std::ofstream(in) << "x";
  const Fd input(
      ::open(in.c_str(), O_RDONLY));  // NOLINT(android-cloexec-open): a careless library's descriptor
  const Fd output(::open((dir_->path() / "fds").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ProcessSpec spec = shell("cat; exec ls /proc/self/fd");
  spec.input = BorrowedFd{input.get()};
  spec.output = BorrowedFd{output.get()};
  run(spec);
  EXPECT_EQ(contents(dir_->path() / "fds"), "x0\n1\n2\n3\n") << "3 is the folder that ls reads";
  EXPECT_GE(::fcntl(input.get(), F_GETFD), 0);
  EXPECT_GE(::fcntl(output.get(), F_GETFD), 0);
}

TEST_F(LocalProcessRunnerTest, SignalsThatWeIgnoreMeanToTheChildWhatTheyShould) {
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before{};
  ::sigaction(SIGPIPE, &ignore, &before);
  const ProcessOutcome outcome = run(shell("kill -PIPE $$; exit 0"));
  ::sigaction(SIGPIPE, &before, nullptr);
  EXPECT_EQ(outcome.signal, SIGPIPE);
}

TEST_F(LocalProcessRunnerTest, MeasuresTimeAndMemory) {
  const ProcessOutcome outcome = run(shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"));
  EXPECT_GT(outcome.cpu, Duration::zero());
  EXPECT_GE(outcome.wall, outcome.cpu / 2);
  ProcessSpec large;
  large.argv = {"dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"};
  const auto peak = run(large).peak_rss_bytes;
  ASSERT_TRUE(peak);
  EXPECT_GT(*peak, 300U << 20U);
  EXPECT_LT(*peak, 330U << 20U);
}

TEST_F(LocalProcessRunnerTest, AMemoryBelowOurOwnIsNotMadeUp) {
  const std::vector<char> ours(64U << 20U, 'x');
  EXPECT_FALSE(run(shell("exit 0")).peak_rss_bytes) << ours.size();
}

TEST_F(LocalProcessRunnerTest, AMissingProgramIsNamedWithTheWayOut) {
  ProcessSpec spec;
  spec.argv = {"blast-that-is-not"};
  const auto missing = runner_.run(spec, kNever, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_EQ(missing.error().message,
            "blast-that-is-not is not in PATH; install it, or add its folder to PATH");
}

TEST_F(LocalProcessRunnerTest, WhatCannotBeExecutedSaysWhy) {
  const fs::path file = dir_->path() / "program";
  ProcessSpec spec;
  spec.argv = {file.string()};
  EXPECT_EQ(runner_.run(spec, kNever, {}).error().code, Code::not_found);
  std::ofstream(file) << "not a program\n";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  const auto denied = runner_.run(spec, kNever, {});
  EXPECT_EQ(denied.error().code, Code::invalid_argument);
  EXPECT_NE(denied.error().message.find("chmod +x"), std::string::npos) << denied.error().message;
  ASSERT_EQ(::chmod(file.c_str(), 0700), 0);
  EXPECT_NE(runner_.run(spec, kNever, {}).error().message.find("not a program"), std::string::npos);
  spec.argv = {"/bin/true"};
  spec.working_dir = dir_->path() / "none";
  const auto nowhere = runner_.run(spec, kNever, {});
  EXPECT_EQ(nowhere.error().code, Code::not_found);
  EXPECT_NE(nowhere.error().message.find("/none"), std::string::npos);
}

TEST_F(LocalProcessRunnerTest, BadSpecsAreRefused) {
  EXPECT_EQ(runner_.run({}, kNever, {}).error().code, Code::invalid_argument);
  ProcessSpec spec;
  spec.argv = {"echo", std::string("a\0b", 3)};
  EXPECT_EQ(runner_.run(spec, kNever, {}).error().code, Code::invalid_argument);
  spec.argv = {"cat"};
  spec.input = fs::path("/nonexistent/in");
  const auto no_input = runner_.run(spec, kNever, {});
  EXPECT_EQ(no_input.error().code, Code::not_found);
  EXPECT_EQ(no_input.error().message, "cat: open its input /nonexistent/in: No such file or directory");
}

TEST_F(LocalProcessRunnerTest, AStopOrDeadlineOfThePastStartsNothing) {
  const fs::path mark = dir_->path() / "ran";
  const ProcessSpec spec = shell("touch " + mark.string());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(runner_.run(spec, kNever, stop.get_token()).error().code, Code::cancelled);
  EXPECT_EQ(runner_.run(spec, Deadline::at(steady_clock().now()), {}).error().code, Code::timed_out);
  EXPECT_FALSE(fs::exists(mark));
}

TEST_F(LocalProcessRunnerTest, PastItsDeadlineTheChildIsEnded) {
  const Instant begin = steady_clock().now();
  const auto late = runner_.run(shell("exec sleep 100"), Deadline::in(std::chrono::milliseconds(50)), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timed_out);
  EXPECT_GE(steady_clock().now() - begin, std::chrono::milliseconds(50));
  EXPECT_LT(steady_clock().now() - begin, std::chrono::seconds(50));
}

TEST_F(LocalProcessRunnerTest, RunsManyAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kRuns = 10;
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  std::atomic<int> right = 0;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread, &right] {
      for (int i = 0; i < kRuns; ++i) {
        const int code = 1 + (thread * kRuns + i) % 100;
        const auto outcome = runner_.run(shell(fmt::format("echo {0} >&2; exit {0}", code)), kNever, {});
        if (outcome && outcome->exit_code == code && outcome->stderr_text == fmt::format("{}\n", code))
          ++right;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, kThreads * kRuns);
}

}  // namespace
}  // namespace loom::exec
