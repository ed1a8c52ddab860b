// kill -9 at every change that a process makes to the file system while it builds, appends, takes in,
// switches, prunes or removes a database: the catalogue opens, and is as before or as after, and the same
// again works.
//
// The walk needs no seam in the program: this program has functions of the C library's names, which come
// first.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>

#include "catalog/blast_under_test.hpp"
#include "catalog/snapshots.hpp"
#include "exec/local/local_process_runner.hpp"
#include "service/database_add.hpp"
#include "service/database_build.hpp"
#include "service/snapshot_retention.hpp"

namespace {

std::atomic<int> changes_left{-1};  // below 0: not counted

void count_change() {
  if (changes_left.load() >= 0 && changes_left.fetch_sub(1) == 0) ::raise(SIGKILL);
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
int rename(const char* from, const char* to) noexcept {
  count_change();
  static auto* const next = real<int(const char*, const char*)>("rename");
  return next(from, to);
}
int link(const char* from, const char* to) noexcept {
  count_change();
  static auto* const next = real<int(const char*, const char*)>("link");
  return next(from, to);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  count_change();
  static auto* const next = real<int(int, const char*, int, const char*, int)>("linkat");
  return next(from_folder, from, to_folder, to, flags);
}
int unlink(const char* path) noexcept {
  count_change();
  static auto* const next = real<int(const char*)>("unlink");
  return next(path);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  count_change();
  static auto* const next = real<int(int, const char*, int)>("unlinkat");
  return next(folder, path, flags);
}
int mkdir(const char* path, mode_t mode) noexcept {
  count_change();
  static auto* const next = real<int(const char*, mode_t)>("mkdir");
  return next(path, mode);
}
int rmdir(const char* path) noexcept {
  count_change();
  static auto* const next = real<int(const char*)>("rmdir");
  return next(path);
}
int fsync(int fd) {
  count_change();
  static auto* const next = real<int(int)>("fsync");
  return next(fd);
}
int fdatasync(int fd) {
  count_change();
  static auto* const next = real<int(int)>("fdatasync");
  return next(fd);
}
}

namespace loom::service {
namespace {

namespace fs = std::filesystem;
using catalog::Snapshot;
using catalog::Snapshots;

class CatalogueCrash : public testing::Test {
 protected:
  using Ids = std::set<std::string>;
  /// What the catalogue holds of "mine".
  struct State {
    Ids ids;
    std::string current;
    friend bool operator==(const State&, const State&) = default;
  };

  void SetUp() override {
    LOOM_NEEDS_BLAST();
    scratch_.emplace(TempDir::create().value());
    fs::create_directory(scratch_->path() / "made");
    catalog::make_database(made(), "mine", blast::Molecule::protein, ">a\nMKTAYIAKQR\n>b\nMKV\n",
                           {"-parse_seqids"});
    catalog::spit(scratch_->path() / "more.fa", ">c\nMKTAYIAKQRMKV\n");
    const Snapshots snapshots = Snapshots::open(scratch_->path() / "template").value();
    for (std::string& id : ids_) id = publish(snapshots).value().id;
  }
  [[nodiscard]] fs::path made() const { return scratch_->path() / "made"; }
  [[nodiscard]] fs::path root() const { return scratch_->path() / "databases"; }
  [[nodiscard]] Snapshots open() const { return Snapshots::open(root()).value(); }
  [[nodiscard]] State before() const { return {{ids_[0], ids_[1]}, ids_[1]}; }

  [[nodiscard]] Result<Snapshot> publish(const Snapshots& snapshots) const {
    LOOM_TRY(catalog::Staging staging, snapshots.begin("mine"));
    for (const auto& file : fs::directory_iterator(made()))
      if (file.path().extension() != ".fa")
        fs::copy_file(file.path(), staging.folder.path() / file.path().filename());
    Snapshot about;
    about.molecule = blast::Molecule::protein;
    return snapshots.publish(std::move(staging), about);
  }
  Result<Snapshot> build(const Snapshots& snapshots, bool append) {
    BuildRequest request;
    request.name = "mine";
    request.append = append;
    request.molecule = blast::Molecule::protein;
    request.parse_ids = !append;
    request.fasta = scratch_->path() / "more.fa";
    return build_database(snapshots, runner_, request, {}, {});
  }

  /// Whether what there is opens and each snapshot is whole; what that is.
  static State look(const Snapshots& snapshots) {
    State state{.ids = {}, .current = snapshots.current_id("mine")};
    for (const Snapshot& one : snapshots.list()) {
      state.ids.insert(one.id);
      EXPECT_EQ(Snapshots::fingerprint(one.folder).value_or("none"), one.fingerprint) << one.id;
    }
    EXPECT_EQ(state.ids.empty(), state.current.empty());
    EXPECT_TRUE(state.ids.empty() || state.ids.contains(state.current)) << "the current one is there";
    return state;
  }

  /// Kills a process that does `act` before its n-th change, for every n. `allowed`: what may be after a
  /// kill.
  void walk(const std::function<Status(const Snapshots&)>& act,
            const std::function<bool(const State&)>& allowed) {
    for (int n = 0;; n += stride_) {
      SCOPED_TRACE(n);
      fs::remove_all(root());
      fs::copy(scratch_->path() / "template", root(), fs::copy_options::recursive);
      const Snapshots child = open();
      const bool killed = killed_at(n, [&] { return act(child).has_value(); });
      const Snapshots snapshots = open();
      const State state = look(snapshots);
      EXPECT_TRUE(allowed(state)) << state.ids.size() << " snapshots, current " << state.current;
      if (killed && state == before()) {
        // What was cut short can be done again.
        const Status again = act(snapshots);
        EXPECT_TRUE(again) << again.error().message;
        EXPECT_NE(look(snapshots), before());
      }
      for (const auto& entry : fs::directory_iterator(root()))
        EXPECT_FALSE(entry.path().filename().string().starts_with(".removed-")) << "open() clears them";
      if (HasFailure()) return;
      if (!killed) {
        EXPECT_GT(n, 2) << "it went through";
        return;
      }
    }
  }

  std::array<std::string, 2> ids_;
  exec::LocalProcessRunner runner_;
  int stride_ = 1;

 private:
  static bool killed_at(int n, const std::function<bool()>& act) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      changes_left = n;
      const bool good = act();
      changes_left = -1;
      ::_exit(good ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) return true;
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return false;
  }

  std::optional<TempDir> scratch_;
};

TEST_F(CatalogueCrash, OfAPublication) {
  walk(
      [&](const Snapshots& snapshots) -> Status {
        LOOM_CHECKED(publish(snapshots));
        return ok();
      },
      [&](const State& state) {
        // The new one may be there without being the current one yet.
        return state.ids.contains(ids_[0]) && state.ids.contains(ids_[1]) && state.ids.size() <= 3 &&
               (state.current == ids_[1] || (state.ids.size() == 3 && state.current != ids_[0]));
      });
}

TEST_F(CatalogueCrash, OfASwitch) {
  walk(
      [&](const Snapshots& snapshots) -> Status {
        LOOM_CHECKED(snapshots.switch_to("mine", ids_[0]));
        return ok();
      },
      [&](const State& state) { return state.ids == before().ids && state.current != ""; });
}

TEST_F(CatalogueCrash, OfRemovals) {
  walk([&](const Snapshots& snapshots) { return snapshots.remove("mine", ids_[0]); },
       [&](const State& state) { return state == before() || state == State{{ids_[1]}, ids_[1]}; });
  walk([&](const Snapshots& snapshots) { return snapshots.remove_all("mine"); },
       [&](const State& state) { return state == before() || state == State{}; });
  walk(
      [&](const Snapshots& snapshots) -> Status {
        LOOM_CHECKED(prune(snapshots, DatabaseUse(), {.keep = 1}));
        return ok();
      },
      [&](const State& state) { return state == before() || state == State{{ids_[1]}, ids_[1]}; });
}

TEST_F(CatalogueCrash, OfAVerdict) {
  walk(
      [&](const Snapshots& snapshots) -> Status {
        LOOM_TRY(const Snapshot one, snapshots.current("mine"));
        LOOM_CHECKED(snapshots.keep_verdict(one, ""));
        // So that the walk sees a change of state.
        return snapshots.remove("mine", ids_[0]);
      },
      [&](const State& state) { return state == before() || state == State{{ids_[1]}, ids_[1]}; });
}

/// With makeblastdb and blastdbcheck at each step, which takes a second: all steps at the full level only.
class CatalogueCrashOfWork : public CatalogueCrash {
 protected:
  void SetUp() override {
    const char* given = std::getenv("LOOM_TEST_LEVEL");  // NOLINT(concurrency-mt-unsafe): one thread
    const std::string_view level = given == nullptr ? "default" : given;
    if (level == "quick") GTEST_SKIP() << "not at the quick level";
    if (level != "full") stride_ = 7;
    CatalogueCrash::SetUp();
  }
  /// A new snapshot of so many sequences may have come.
  void walk_to(std::uint64_t sequences, const std::function<Status(const Snapshots&)>& act) {
    walk(act, [&, sequences](const State& state) {
      if (state.current == ids_[1]) return state.ids.size() <= 3;
      const auto now = open().current("mine");
      return state.ids.size() == 3 && now && now->sequences == sequences;
    });
  }
};

TEST_F(CatalogueCrashOfWork, OfABuild) {
  walk_to(1, [&](const Snapshots& snapshots) -> Status {
    LOOM_CHECKED(build(snapshots, false));
    return ok();
  });
}

TEST_F(CatalogueCrashOfWork, OfAnAppend) {
  walk_to(3, [&](const Snapshots& snapshots) -> Status {
    LOOM_CHECKED(build(snapshots, true));
    return ok();
  });
}

TEST_F(CatalogueCrashOfWork, OfTakingOneIn) {
  walk_to(2, [&](const Snapshots& snapshots) -> Status {
    LOOM_CHECKED(add_database(snapshots, runner_, made() / "mine", {}));
    return ok();
  });
}

}  // namespace
}  // namespace loom::service
