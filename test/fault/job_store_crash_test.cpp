// What SqliteJobStore promises about a crash: after a kill -9 at any moment, and after a power failure that
// takes every unsynced byte (or any part of them), each change that was acknowledged is there, whole.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <mutex>
#include <random>
#include <thread>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "crash_vfs.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/never.hpp"

namespace loom::store {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kThreads = 4;

/// One acknowledged change: the job, and the least state in which it must be found.
struct Acknowledged {
  JobId id;
  bool completed;
};

UnixTime at(int ms) {
  return UnixTime(std::chrono::milliseconds(ms));
}

/// Takes one job from submit to completed; tells after each end of the way. False: the store refused.
template <class Tell>
bool run_job(JobStore& store, const Tell& tell) {
  NewJob wish;
  wish.owner = "ann";
  wish.title = "a job with two tasks";
  wish.options = std::string(3000, 'o');  // some pages, so that checkpoints come often
  const auto made = store.submit(wish, {}, at(1), kNever);
  if (!made) return false;
  const JobId id = made->job.id;
  tell(Acknowledged{id, false});
  if (!store.start(id, std::array{NewTask{0, 1, 10, 0, "{}"}, NewTask{1, 1, 20, 0, "{}"}}, at(2), kNever))
    return false;
  const auto leased = store.lease_tasks(id, "w", 2, at(100), at(3), kNever);
  if (!leased || leased->size() != 2) return false;
  for (const LeasedTask& one : *leased)
    if (!store.finish_task(one.lease, "out", {}, at(4), kNever)) return false;
  if (!store.move_job(id, JobState::merging, {}, at(5), kNever)) return false;
  if (!store.move_job(id, JobState::completed, {}, at(6), kNever)) return false;
  tell(Acknowledged{id, true});
  return true;
}

/// All that is in a reopened store fits together, and nothing that was acknowledged is missing.
void expect_whole(SqliteJobStore& store, const std::vector<Acknowledged>& acknowledged) {
  const Status verified = store.verify(kNever);
  ASSERT_TRUE(verified) << verified.error().message;
  for (const auto& [id, completed] : acknowledged) {
    const auto job = store.get(id, kNever);
    ASSERT_TRUE(job) << job.error().message;
    if (completed) EXPECT_EQ(job->state, JobState::completed);
    const auto tasks = store.tasks(id, 0, kMostRows, kNever).value();
    const auto done =
        std::count_if(tasks.begin(), tasks.end(), [](const Task& t) { return t.state == TaskState::done; });
    EXPECT_EQ(tasks.size(), job->tasks_total);
    EXPECT_EQ(done, job->tasks_done);
    const auto events = store.read_events(id, 0, kMostRows, kNever).value();
    ASSERT_EQ(events.size(), job->version);
    EXPECT_EQ(events.back().seq, job->version);
    EXPECT_EQ(events.back().state, job->state);
  }
}

/// The child: jobs on all threads, each acknowledgement as one line (under PIPE_BUF bytes, so whole), for
/// ever.
[[noreturn]] void work_until_killed(const fs::path& path, int pipe) {
  const auto store = SqliteJobStore::open(path);
  if (!store) ::_exit(3);
  const auto tell = [pipe](const Acknowledged& one) {
    const std::string line = fmt::format("{} {}\n", one.id.str(), one.completed ? 1 : 0);
    if (::write(pipe, line.data(), line.size()) != std::ssize(line)) ::_exit(4);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (run_job(**store, tell)) {
      }
      ::_exit(5);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ::_exit(6);
}

std::vector<Acknowledged> parse(std::string_view text) {
  std::vector<Acknowledged> all;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    all.push_back({JobId::parse(text.substr(0, 32)).value(), text[33] == '1'});
    text.remove_prefix(end + 1);
  }
  return all;
}

/// Kills the child once it has acknowledged `count` changes; all it acknowledged.
std::vector<Acknowledged> kill_after(const fs::path& path, std::ptrdiff_t count) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) work_until_killed(path, ends[1]);
  const Fd from(ends[0]);
  ::close(ends[1]);
  std::string text;
  bool killed = false;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(from.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (killed || std::count(text.begin(), text.end(), '\n') < count) continue;
    EXPECT_EQ(::kill(child, SIGKILL), 0);
    killed = true;
  }
  int how = 0;
  EXPECT_EQ(::waitpid(child, &how, 0), child);
  EXPECT_TRUE(WIFSIGNALED(how)) << "the child ended by itself: " << WEXITSTATUS(how);
  return parse(text);
}

TEST(JobStoreCrash, AKillAtAnyMomentLosesNothingAcknowledged) {
  constexpr int kRounds = 15;
  const auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const fs::path path = dir->path() / "jobs.db";
  std::mt19937 random(7);
  std::vector<Acknowledged> all;
  for (int round = 0; round < kRounds; ++round) {
    const auto acknowledged = kill_after(path, 1 + static_cast<std::ptrdiff_t>(random() % 150));
    ASSERT_FALSE(acknowledged.empty());
    all.insert(all.end(), acknowledged.begin(), acknowledged.end());
    const auto store = SqliteJobStore::open(path);
    ASSERT_TRUE(store) << store.error().message;
    expect_whole(**store, all);
    if (HasFatalFailure()) return;
  }
}

/// Threads that run jobs until told to stop, and what was acknowledged to them so far.
class Workers {
 public:
  explicit Workers(JobStore& store) {
    for (std::size_t i = 0; i < kThreads; ++i)
      threads_.emplace_back([this, &store](const std::stop_token& stop) {
        while (!stop.stop_requested())
          EXPECT_TRUE(run_job(store, [this](const Acknowledged& one) { add(one); }));
      });
  }
  std::vector<Acknowledged> acknowledged() {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  /// Blocking until at least `count` changes are acknowledged.
  void wait_for(std::size_t count) {
    for (std::size_t seen = count_.load(); seen < count; seen = count_.load()) count_.wait(seen);
  }

 private:
  void add(const Acknowledged& one) {
    {
      const std::lock_guard lock(mutex_);
      all_.push_back(one);
    }
    count_.fetch_add(1);
    count_.notify_one();
  }
  std::mutex mutex_;
  std::vector<Acknowledged> all_;
  std::atomic<std::size_t> count_{0};
  std::vector<std::jthread> threads_;  // last: they use all the others
};

class JobStorePowerFailure : public ::testing::TestWithParam<unsigned> {};

TEST_P(JobStorePowerFailure, UnsyncedBytesVanishAndNothingAcknowledgedDoes) {
  constexpr std::size_t kCrashes = 12;
  const auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  testkit::CrashVfs disk;
  std::mt19937 random(GetParam());
  std::vector<std::vector<Acknowledged>> acknowledged;
  {
    const auto store =
        SqliteJobStore::open(dir->path() / "jobs.db", {.vfs = testkit::CrashVfs::kName}).value();
    Workers workers(*store);
    for (std::size_t crash = 0; crash < kCrashes; ++crash) {
      workers.wait_for((crash + 1) * 40 + random() % 40);
      const fs::path folder = dir->path() / fmt::format("crash{}", crash);
      ASSERT_TRUE(fs::create_directory(folder));
      acknowledged.push_back(workers.acknowledged());  // before: what comes in between may be there or not
      disk.crash(folder, GetParam(), random);
    }
  }
  EXPECT_GT(disk.syncs(), 0);
  for (std::size_t crash = 0; crash < kCrashes; ++crash) {
    const auto store = SqliteJobStore::open(dir->path() / fmt::format("crash{}/jobs.db", crash));
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_FALSE(acknowledged[crash].empty());
    expect_whole(**store, acknowledged[crash]);
    ASSERT_FALSE(HasFailure()) << "crash " << crash;
  }
}

// Percent of the unsynced writes that survive: none, some, all.
INSTANTIATE_TEST_SUITE_P(Survive, JobStorePowerFailure, ::testing::Values(0U, 30U, 70U, 100U));

// The shim itself must bite: without syncs at commits, a power failure does lose what was acknowledged.
TEST(CrashVfs, WithoutSyncsAcknowledgedChangesAreLost) {
  const auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  testkit::CrashVfs disk;
  std::mt19937 random(1);
  auto db = sqlite::Connection::open(dir->path() / "a.db", sqlite::Connection::Mode::write,
                                     testkit::CrashVfs::kName)
                .value();
  ASSERT_TRUE(db->run_script("CREATE TABLE t(x); PRAGMA synchronous=NORMAL; INSERT INTO t VALUES(1)"));
  fs::create_directory(dir->path() / "after");
  disk.crash(dir->path() / "after", 0, random);
  const auto after =
      sqlite::Connection::open(dir->path() / "after/a.db", sqlite::Connection::Mode::write).value();
  EXPECT_EQ(after->integer("SELECT count(*) FROM t").value(), 0);
  EXPECT_EQ(db->integer("SELECT count(*) FROM t").value(), 1);
}

}  // namespace
}  // namespace loom::store
