// Whatever fails on the way, a search ends with a clear error and leaves nothing half written.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "search/local_search.hpp"
#include "testkit/fake_process_runner.hpp"

namespace loom {
namespace {

namespace fs = std::filesystem;

class Count final : public search::Watch {
 public:
  void started(std::size_t, std::size_t, std::uint64_t, std::uint64_t) override {}
  void task_done(std::uint64_t, double) override { ++done; }
  void retried(std::string_view) override { ++retries; }
  void finished() override {}
  int done = 0;
  int retries = 0;
};

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SearchFaults : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create(LOOM_SCRATCH);
    ASSERT_TRUE(folder) << folder.error().message;
    folder_ = std::move(*folder);
  }
  [[nodiscard]] fs::path out() const { return folder_->path() / "hits"; }

  /// 100 queries in a task per internal batch, one at a time so that runs have an order.
  Status search(exec::ProcessRunner& runner, const std::string& format, int shards,
                const std::string& target = "", const std::string& queries = "proteins_100.fa") {
    const std::string data = LOOM_TESTDATA;
    const std::vector<std::string> args{"-db",     data + "/db/proteins_2k",
                                        "-query",  data + "/query/" + queries,
                                        "-evalue", "1e-10",
                                        "-outfmt", format,
                                        "-out",    target.empty() ? out().string() : target};
    auto options = blast::parse_options(blast::Program::blastp, args);
    EXPECT_TRUE(options) << options.error().message;
    search::Settings settings;
    settings.workers = 1;
    settings.shards = shards;
    settings.batch_letters = 1;
    LOOM_TRY(const auto search, search::LocalSearch::prepare({*options, settings}, runner));
    search::Messages messages(stderr);
    return search->run(count_, messages, {});
  }

  std::optional<TempDir> folder_;
  Count count_;
};

TEST_F(SearchFaults, TheNthStartFailsForGood) {
  int visited = 0;
  for (int fail_at = 0;; ++fail_at) {
    std::ofstream(out()) << "of yesterday";
    exec::LocalProcessRunner real;
    testkit::FaultyProcessRunner runner(real, fail_at, Code::out_of_memory);
    const Status status = search(runner, "6", 2, "", "proteins_20.fa");
    if (status) break;
    ++visited;
    EXPECT_FALSE(status.error().message.empty());
    EXPECT_EQ(text_of(out()), "of yesterday");
  }
  EXPECT_GE(visited, 4) << "two scouts, a look-up and the search of at least one task";
  EXPECT_NE(text_of(out()), "of yesterday");
}

TEST_F(SearchFaults, ATaskKilledOnceIsTriedAgain) {
  exec::LocalProcessRunner real;
  testkit::FakeProcessRunner runner(
      [&real](const exec::ProcessSpec& spec, int number) -> Result<exec::ProcessOutcome> {
        if (number == 1) return exec::ProcessOutcome{.signal = SIGKILL};
        return real.run(spec, Deadline::never(), {});
      });
  const Status status = search(runner, "6", 1);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(count_.retries, 1);
  EXPECT_FALSE(text_of(out()).empty());
}

TEST_F(SearchFaults, ATaskKilledAgainAndAgainSaysWhatToDo) {
  testkit::FakeProcessRunner runner([](const exec::ProcessSpec&, int) -> Result<exec::ProcessOutcome> {
    return exec::ProcessOutcome{.signal = SIGKILL};
  });
  const Status status = search(runner, "6", 1);
  ASSERT_FALSE(status);
  EXPECT_EQ(count_.retries, 2);
  EXPECT_NE(status.error().message.find("memory"), std::string::npos) << status.error().message;
  EXPECT_FALSE(fs::exists(out()));
}

class CorruptOutput : public SearchFaults, public testing::WithParamInterface<const char*> {};

TEST_P(CorruptOutput, IsFoundAndNothingIsWritten) {
  testkit::FakeProcessRunner runner([](const exec::ProcessSpec& spec, int) -> Result<exec::ProcessOutcome> {
    const auto flag = std::find(spec.argv.begin(), spec.argv.end(), "-out");
    std::ofstream(*(flag + 1)) << "this is no output of BLAST+\n";
    return exec::ProcessOutcome{};
  });
  const Status status = search(runner, GetParam(), 1);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::corrupt) << status.error().message;
  EXPECT_FALSE(fs::exists(out()));
}

INSTANTIATE_TEST_SUITE_P(Formats, CorruptOutput,
                         testing::Values("0", "2", "5", "7", "8", "9", "11", "12", "13", "14", "15", "16"),
                         [](const auto& info) { return std::string("outfmt") + info.param; });

TEST_F(SearchFaults, AFullDiskIsNamed) {
  exec::LocalProcessRunner runner;
  const Status status = search(runner, "6", 1, "/dev/full");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::disk_full) << status.error().message;
}

TEST_F(SearchFaults, AFolderThatIsNotThereIsNamedBeforeTheSearchIsDone) {
  exec::LocalProcessRunner runner;
  const Status status = search(runner, "6", 1, (folder_->path() / "nowhere" / "hits").string());
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("nowhere"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace loom
