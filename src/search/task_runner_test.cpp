#include "search/task_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <latch>

#include "base/temp_dir.hpp"
#include "testkit/fake_process_runner.hpp"

namespace loom::search {
namespace {

namespace fs = std::filesystem;

class TaskRunnerTest : public testing::Test {
 protected:
  using Script = testkit::FakeProcessRunner::Script;

  /// An attempt as a scheduler makes it: by a TaskRunner of its own.
  Result<TaskUse> run(exec::ProcessRunner& engine) {
    NoWatch watch;
    TaskRunner tasks(engine, work_.path(), watch, Durable::yes, 1);
    EngineTask task;
    task.name = "task-0";
    task.argv = {"engine"};
    task.write_queries = [](const fs::path& path) { return write_file(path, ">q\nMKV\n"); };
    return tasks.run(task, {});
  }

  static fs::path out_of(const exec::ProcessSpec& spec) {
    return *(std::ranges::find(spec.argv, "-out") + 1);
  }

  static Result<exec::ProcessOutcome> write(const exec::ProcessSpec& spec, const std::string& text) {
    LOOM_CHECKED(write_file(out_of(spec), text));
    return exec::ProcessOutcome{};
  }

  [[nodiscard]] std::string output() const {
    auto text = read_file(work_.path() / "task-0" / "out");
    return text ? *std::move(text) : text.error().message;
  }
  /// Those of tasks: a temporary folder has a file of its own.
  [[nodiscard]] std::ptrdiff_t folders() const {
    const auto is_folder = [](const fs::directory_entry& one) { return one.is_directory(); };
    return std::ranges::count_if(fs::directory_iterator(work_.path()), is_folder);
  }

  TempDir work_ = TempDir::create().value();
};

TEST_F(TaskRunnerTest, WhatIsLeftOfACancelledAttemptTakesNothingOfTheNextOne) {
  std::latch old_runs(1);
  std::latch new_runs(1);
  std::future<Result<TaskUse>> old;
  testkit::FakeProcessRunner engine(
      [&](const exec::ProcessSpec& spec, int number) -> Result<exec::ProcessOutcome> {
        if (number == 0) {
          old_runs.count_down();
          new_runs.wait();
          return error(Code::cancelled, "stopped");
        }
        new_runs.count_down();
        old.wait();  // it has cleaned up behind it
        EXPECT_TRUE(fs::exists(out_of(spec).parent_path() / "queries.fasta"));
        return write(spec, "new");
      });
  old = std::async(std::launch::async, [&] { return run(engine); });
  old_runs.wait();
  const auto done = run(engine);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(old.get().error().code, Code::cancelled);
  EXPECT_EQ(output(), "new");
  EXPECT_EQ(folders(), 1) << "no attempt left anything else";
}

TEST_F(TaskRunnerTest, OfTwoAttemptsThatSucceedTheFirstThatIsDoneIsKept) {
  std::latch old_runs(1);
  std::latch new_done(1);
  testkit::FakeProcessRunner engine([&](const exec::ProcessSpec& spec, int number) {
    if (number == 1) return write(spec, "new");
    old_runs.count_down();
    new_done.wait();
    return write(spec, "old");
  });
  auto old = std::async(std::launch::async, [&] { return run(engine); });
  old_runs.wait();
  const auto done = run(engine);
  EXPECT_TRUE(done) << done.error().message;
  new_done.count_down();
  const auto late = old.get();
  EXPECT_TRUE(late) << late.error().message;
  EXPECT_EQ(output(), "new");
  EXPECT_EQ(folders(), 1);
}

TEST_F(TaskRunnerTest, AnAttemptThatIsAloneHasTheSameNameInEveryRunOfAServer) {
  testkit::FakeProcessRunner engine([](const exec::ProcessSpec&, int) -> Result<exec::ProcessOutcome> {
    return error(Code::cancelled, "stopped");
  });
  EXPECT_FALSE(run(engine));
  EXPECT_FALSE(run(engine));
  const auto runs = engine.runs();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(out_of(runs[0]), work_.path() / "task-0.unfinished" / "out");
  EXPECT_EQ(out_of(runs[1]), out_of(runs[0])) << "Slurm's tasks are found again by it";
}

}  // namespace
}  // namespace loom::search
