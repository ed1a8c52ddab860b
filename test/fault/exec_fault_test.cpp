// What exec promises when things go wrong: no child outlives a stop, a deadline or the death of its parent; a
// full disk, a limit and a flood of words are reported; BLAST+'s own failures are explained (with the
// installed programs).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/atomic_file.hpp"
#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "exec/failure.hpp"
#include "exec/local/local_process_runner.hpp"
#include "testkit/fake_process_runner.hpp"
#include "testkit/faulty_object_store.hpp"
#include "testkit/mem_object_store.hpp"
#include "testkit/never.hpp"

namespace loom::exec {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr int kMostWait = 60'000;  // ms; a hang fails the test instead of stopping it

struct Pipe {
  Fd read;
  Fd write;
};
Pipe make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Waits until something can be read, or all writers are gone; then reads. Empty: they are gone.
std::string next_text(const Fd& from) {
  pollfd watched{from.get(), POLLIN, 0};
  if (::poll(&watched, 1, kMostWait) != 1) return "nothing came";
  std::array<char, 256> buffer{};
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

ProcessSpec shell(std::string script) {
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", std::move(script)};
  return spec;
}

class ExecFaultTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(dir_) << dir_.error().message; }
  [[nodiscard]] fs::path at(const char* name) const { return dir_->path() / name; }

  LocalProcessRunner runner_{milliseconds(200)};
  Result<TempDir> dir_ = TempDir::create();
};

TEST_F(ExecFaultTest, KillingTheParentLeavesNoChildAlive) {
  constexpr int kChildren = 4;
  Pipe alive = make_pipe();
  const pid_t parent = ::fork();
  if (parent == 0) {
    // Each child ignores SIGTERM and holds the pipe open for as long as it lives.
    std::vector<std::thread> workers;
    workers.reserve(kChildren);
    for (int i = 0; i < kChildren; ++i) {
      workers.emplace_back([&] {
        ProcessSpec spec = shell("trap '' TERM; printf +; exec sleep 1000");
        spec.output = BorrowedFd{alive.write.get()};
        static_cast<void>(runner_.run(spec, kNever, {}));
      });
    }
    for (std::thread& worker : workers) worker.join();
    ::_exit(0);
  }
  alive.write.reset();
  std::string started;
  while (started.size() < kChildren) started += next_text(alive.read);
  ASSERT_EQ(started, "++++");
  ASSERT_EQ(::kill(parent, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(parent, &status, 0), parent);
  EXPECT_EQ(next_text(alive.read), "") << "the end of the pipe: no child holds it any more";
}

TEST_F(ExecFaultTest, AChildSurvivesTheEndOfOtherThreadsThanItsOwn) {
  Pipe alive = make_pipe();
  ProcessSpec spec = shell("printf +; read line; exit 7");
  Pipe input = make_pipe();
  spec.input = BorrowedFd{input.read.get()};
  spec.output = BorrowedFd{alive.write.get()};
  Result<ProcessOutcome> outcome = error(Code::internal, "did not run");
  std::jthread worker([&] { outcome = runner_.run(spec, kNever, {}); });
  ASSERT_EQ(next_text(alive.read), "+");
  std::thread([this] { EXPECT_TRUE(runner_.run(shell("exit 0"), kNever, {})); }).join();
  ASSERT_EQ(::write(input.write.get(), "\n", 1), 1);
  worker.join();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, 7);
}

TEST_F(ExecFaultTest, AStopEndsAChildThatIgnoresSigtermAndItsOwnChildren) {
  Pipe alive = make_pipe();
  ProcessSpec spec = shell("trap '' TERM; sleep 1000 & printf +; wait; sleep 1000");
  spec.output = BorrowedFd{alive.write.get()};
  std::stop_source stop;
  Result<ProcessOutcome> outcome = error(Code::internal, "did not run");
  std::jthread worker([&] { outcome = runner_.run(spec, kNever, stop.get_token()); });
  ASSERT_EQ(next_text(alive.read), "+");
  alive.write.reset();
  const Instant begin = steady_clock().now();
  stop.request_stop();
  worker.join();
  EXPECT_GE(steady_clock().now() - begin, milliseconds(200)) << "the grace";
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::cancelled);
  EXPECT_EQ(next_text(alive.read), "") << "the grandchild is gone too";
}

TEST_F(ExecFaultTest, AStopLetsAChildEndByItself) {
  Pipe alive = make_pipe();
  ProcessSpec spec = shell("trap 'printf bye; exit 0' TERM; printf +; while :; do sleep 0.01; done");
  spec.output = BorrowedFd{alive.write.get()};
  LocalProcessRunner patient{seconds(60)};
  std::stop_source stop;
  Result<ProcessOutcome> outcome = error(Code::internal, "did not run");
  std::jthread worker([&] { outcome = patient.run(spec, kNever, stop.get_token()); });
  ASSERT_EQ(next_text(alive.read), "+");
  stop.request_stop();
  worker.join();
  EXPECT_EQ(outcome.error().code, Code::cancelled);
  EXPECT_EQ(next_text(alive.read), "bye");
}

TEST_F(ExecFaultTest, AGrandchildThatKeepsStderrOpenDelaysNothing) {
  const auto outcome =
      runner_.run(shell("sleep 1000 & echo done >&2; exit 4"), Deadline::in(seconds(60)), {});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, 4);
  EXPECT_EQ(outcome->stderr_text, "done\n");
}

TEST_F(ExecFaultTest, AFloodOfWordsIsKeptWithinItsBound) {
  ProcessSpec spec = shell("echo first >&2; head -c 30000000 /dev/zero >&2; echo last >&2");
  spec.max_stderr_bytes = 1000;
  const auto outcome = runner_.run(spec, kNever, {});
  ASSERT_TRUE(outcome) << outcome.error().message;
  const std::string& kept = outcome->stderr_text;
  EXPECT_LT(kept.size(), 1100U);
  EXPECT_TRUE(kept.starts_with("first\n"));
  EXPECT_TRUE(kept.ends_with("last\n"));
  EXPECT_NE(kept.find("[... 29999011 bytes left out ...]"), std::string::npos);
}

TEST_F(ExecFaultTest, AFloodDoesNotHoldOffAStop) {
  std::stop_source stop;
  Result<ProcessOutcome> outcome = error(Code::internal, "did not run");
  Pipe alive = make_pipe();
  ProcessSpec spec = shell("trap '' TERM; printf +; exec cat /dev/zero >&2");
  spec.output = BorrowedFd{alive.write.get()};
  std::jthread worker([&] { outcome = runner_.run(spec, kNever, stop.get_token()); });
  ASSERT_EQ(next_text(alive.read), "+");
  stop.request_stop();
  worker.join();
  EXPECT_EQ(outcome.error().code, Code::cancelled);
}

TEST_F(ExecFaultTest, TheNthRunFails) {
  testkit::FaultyProcessRunner faulty(runner_, 1);
  EXPECT_TRUE(faulty.run(shell("exit 0"), kNever, {}));
  EXPECT_EQ(faulty.run(shell("exit 0"), kNever, {}).error().code, Code::unavailable);
  EXPECT_TRUE(faulty.run(shell("exit 0"), kNever, {}));
  EXPECT_EQ(faulty.calls(), 3);
}

TEST_F(ExecFaultTest, AFakeRunsItsScriptAndRemembers) {
  testkit::FakeProcessRunner fake([](const ProcessSpec&, int number) -> Result<ProcessOutcome> {
    ProcessOutcome outcome;
    outcome.exit_code = number;
    return outcome;
  });
  EXPECT_EQ(fake.run(shell("a"), kNever, {})->exit_code, 0);
  EXPECT_EQ(fake.run(shell("b"), kNever, {})->exit_code, 1);
  EXPECT_EQ(fake.run(shell("c"), Deadline::at(Instant::min()), {}).error().code, Code::timed_out);
  ASSERT_EQ(fake.runs().size(), 2U);
  EXPECT_EQ(fake.runs()[1].argv.back(), "b");
}

TEST_F(ExecFaultTest, WithNoDescriptorLeftARunIsRefusedAndLeaksNone) {
  const auto count = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), {}); };
  const auto before = count();
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  int refused = 0;
  for (rlim_t spare = 0; spare < 20; ++spare) {
    const rlimit tight{static_cast<rlim_t>(before) - 1 + spare, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    const auto outcome = runner_.run(shell("exit 0"), kNever, {});
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
    if (!outcome) ++refused;
    if (!outcome) EXPECT_NE(outcome.error().message.find("Too many open files"), std::string::npos);
    EXPECT_EQ(count(), before);
  }
  EXPECT_GT(refused, 3);
  EXPECT_LT(refused, 20);
}

TEST(ObjectStoreFault, EveryCallOfACopyFailsOnceAndLeavesTheTargetAsItWas) {
  const auto from = storage::ObjectKey::parse("from").value();
  const auto to = storage::ObjectKey::parse("to").value();
  const auto copy = [&](storage::ObjectStore& store) -> Status {
    LOOM_TRY(const auto reader, store.open_reader(from, kNever));
    LOOM_TRY(const auto writer, store.open_writer(to, kNever));
    std::array<std::byte, 4> piece{};
    for (;;) {
      LOOM_TRY(const std::size_t got, reader->read(piece, kNever));
      if (got == 0) break;
      LOOM_CHECKED(writer->write(std::span(piece).first(got), kNever));
    }
    return writer->commit(kNever);
  };
  for (int fail_at = 0;; ++fail_at) {
    testkit::MemObjectStore mem;
    ASSERT_TRUE(mem.put(from, std::as_bytes(std::span("123456", 6)), kNever));
    testkit::FaultyObjectStore store(mem, fail_at);
    const Status copied = copy(store);
    if (copied) {
      EXPECT_EQ(fail_at, 8) << "2 opens, 3 reads, 2 writes, 1 commit";
      EXPECT_EQ(mem.stat(to, kNever)->size_bytes, 6U);
      break;
    }
    EXPECT_EQ(copied.error().code, Code::unavailable);
    EXPECT_FALSE(mem.contains("to"));
  }
}

/// BLAST+ on a small database of its own.
class BlastFaultTest : public ExecFaultTest {
 protected:
  void SetUp() override {
    ExecFaultTest::SetUp();
    std::ofstream fasta(at("db.fa"));
    for (int i = 0; i < 2000; ++i) {
      fasta << ">s" << i << "\nMKVLAAGIVGLCAKAYWEHR" << std::string(1 + static_cast<std::size_t>(i) % 7, 'W')
            << "GDSKTNPFQIMKLVERHAYCDW\n";
    }
    fasta.close();
    std::ofstream(at("q.fa")) << ">q\nMKVLAAGIVGLCAKAYWEHRWWWGDSKTNPFQIMKLVERHAYCDW\n";
    ASSERT_TRUE(run({"makeblastdb", "-in", at("db.fa"), "-dbtype", "prot", "-out", at("db")}).succeeded());
  }
  ProcessSpec blastp() {
    ProcessSpec spec;
    spec.argv = {"blastp",  "-query", at("q.fa"),         "-db", at("db"),
                 "-outfmt", "11",     "-max_target_seqs", "2000"};
    return spec;
  }
  ProcessOutcome run(std::vector<std::string> argv) {
    ProcessSpec spec;
    spec.argv = std::move(argv);
    return run(spec);
  }
  ProcessOutcome run(const ProcessSpec& spec) {
    auto outcome = runner_.run(spec, kNever, {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : ProcessOutcome{};
  }
  void expect(const ProcessOutcome& outcome, FailureClass expected) {
    ASSERT_FALSE(outcome.succeeded());
    const Failure failure = explain_failure(outcome, "blastp");
    EXPECT_EQ(name(failure.failure_class), name(expected)) << failure.sentence << "\n" << outcome.stderr_text;
  }
};

TEST_F(BlastFaultTest, AWholeSearchSucceeds) {
  EXPECT_TRUE(run(blastp()).succeeded());
}

TEST_F(BlastFaultTest, AMissingOrDamagedDatabaseIsTheDatabase) {
  expect(run({"blastp", "-query", at("q.fa"), "-db", at("none")}), FailureClass::database);
  for (const char* part : {"db.psq", "db.phr", "db.pin"}) {
    const fs::path kept = at(part).string() + ".kept";
    fs::copy_file(at(part), kept);
    fs::resize_file(at(part), 100);
    expect(run(blastp()), FailureClass::database);
    fs::rename(kept, at(part));
  }
  EXPECT_TRUE(run(blastp()).succeeded());
  fs::remove(at("db.psq"));
  expect(run(blastp()), FailureClass::database);
}

TEST_F(BlastFaultTest, ABadQueryOrOptionIsTheInput) {
  std::ofstream(at("empty.fa")) << ">a\n";
  expect(run({"blastp", "-query", at("empty.fa"), "-db", at("db")}), FailureClass::input);
  expect(run({"blastp", "-query", at("none.fa"), "-db", at("db")}), FailureClass::input);
  expect(run({"blastp", "-query", at("q.fa"), "-db", at("db"), "-evalue", "x"}), FailureClass::input);
  expect(run({"blastp", "-query", at("q.fa"), "-db", at("db"), "-outfmt", "99"}), FailureClass::input);
  expect(run({"blastp", "-no-such-flag"}), FailureClass::input);
}

TEST_F(BlastFaultTest, AFullDeviceOrAFileLimitIsTheDisk) {
  ProcessSpec spec = blastp();
  spec.output = fs::path("/dev/full");
  expect(run(spec), FailureClass::disk);
  spec.output = at("out");
  spec.max_file_bytes = 10'000;
  const ProcessOutcome limited = run(spec);
  EXPECT_EQ(limited.signal, SIGXFSZ);
  expect(limited, FailureClass::disk);
}

TEST_F(BlastFaultTest, ADiskThatFillsUpIsTheDiskAndLeavesNoOutput) {
  fs::create_directory(at("small"));
  if (::mount("none", at("small").c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "mounting a small file system needs root: " << std::generic_category().message(errno);
  }
  {
    auto file = AtomicFile::create(at("small") / "out");
    EXPECT_TRUE(file);
    ProcessSpec spec = blastp();
    spec.output = BorrowedFd{file->fd()};
    expect(run(spec), FailureClass::disk);
    EXPECT_EQ(file->write(std::string(100'000, 'x')).error().code, Code::disk_full);
  }
  EXPECT_TRUE(fs::is_empty(at("small")));
  EXPECT_EQ(::umount(at("small").c_str()), 0);
}

TEST_F(BlastFaultTest, TooLittleMemoryIsNeverASuccess) {
  ProcessSpec spec = shell("ulimit -v 40000; exec \"$@\"");
  spec.argv.emplace_back("sh");
  for (const std::string& word : blastp().argv) spec.argv.push_back(word);
  expect(run(spec), FailureClass::memory);
}

}  // namespace
}  // namespace loom::exec
