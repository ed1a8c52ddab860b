#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "base/temp_dir.hpp"
#include "testkit/without_rights.hpp"

namespace loom {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class AtomicFileTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(dir_) << dir_.error().message; }
  [[nodiscard]] fs::path at(const char* name) const { return dir_->path() / name; }
  [[nodiscard]] long entries() const { return std::distance(fs::directory_iterator(dir_->path()), {}) - 1; }
  void put(const fs::path& target, std::string_view text) {
    auto file = AtomicFile::create(target);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->write(text));
    const Status done = file->commit();
    ASSERT_TRUE(done) << done.error().message;
  }

  Result<TempDir> dir_ = TempDir::create();
};

TEST_F(AtomicFileTest, AppearsWholeOnCommitAndOnlyThen) {
  {
    auto file = AtomicFile::create(at("out"));
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->write("half"));
    EXPECT_FALSE(fs::exists(at("out")));
    ASSERT_TRUE(file->write(" and half"));
    ASSERT_TRUE(file->commit());
  }
  EXPECT_EQ(contents(at("out")), "half and half");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, UncommittedLeavesTheOldFileAndNothingElse) {
  put(at("out"), "old");
  {
    auto file = AtomicFile::create(at("out"));
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("new"));
    const AtomicFile moved = *std::move(file);
  }
  EXPECT_EQ(contents(at("out")), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, AKilledWriterLeavesNothing) {
  if (Fd(::open(dir_->path().c_str(), O_TMPFILE | O_WRONLY, 0600)).get() < 0) {
    GTEST_SKIP() << "the file system of the temporary folder has no O_TMPFILE";
  }
  const pid_t writer = ::fork();
  if (writer == 0) {
    auto file = AtomicFile::create(at("out"));
    if (file->write("partial")) std::raise(SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(writer, &status, 0), writer);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(entries(), 0);
}

TEST_F(AtomicFileTest, ReplacesWhatALinkNamesAndKeepsItsMode) {
  put(at("real"), "old");
  ASSERT_EQ(::chmod(at("real").c_str(), 0640), 0);
  fs::create_symlink("real", at("link"));
  put(at("link"), "new");
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(contents(at("real")), "new");
  struct stat found{};
  ASSERT_EQ(::stat(at("real").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0640U);
}

TEST_F(AtomicFileTest, ADanglingLinkGetsItsFile) {
  fs::create_symlink("missing", at("link"));
  put(at("link"), "new");
  EXPECT_EQ(contents(at("missing")), "new");
}

TEST_F(AtomicFileTest, WritesStraightThroughToAPipe) {
  ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
  const Fd reader(::open(at("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  put(at("fifo"), "through");
  std::string text(16, '\0');
  const ssize_t got = ::read(reader.get(), text.data(), text.size());
  ASSERT_EQ(got, 7);
  EXPECT_EQ(text.substr(0, 7), "through");
  EXPECT_TRUE(fs::is_fifo(at("fifo")));
}

TEST_F(AtomicFileTest, ADescriptorByNameIsContinuedNotCut) {
  std::ofstream(at("log")) << "before ";
  const Fd log(::open(at("log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  put(fmt::format("/dev/fd/{}", log.get()), "after");
  EXPECT_EQ(contents(at("log")), "before after");
}

TEST_F(AtomicFileTest, AFullDeviceIsDiskFullWithTheWayOut) {
  auto file = AtomicFile::create("/dev/full");
  ASSERT_TRUE(file) << file.error().message;
  const Status written = file->write("x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::disk_full);
  EXPECT_NE(written.error().message.find("free some space"), std::string::npos);
}

TEST_F(AtomicFileTest, AMissingFolderIsNamedAndCommitMayBeTriedAgainOnceItIsBack) {
  EXPECT_EQ(AtomicFile::create(at("no/out")).error().code, Code::not_found);
  fs::create_directory(at("sub"));
  auto file = AtomicFile::create(at("sub/out"));
  ASSERT_TRUE(file && file->write("x"));
  if (fs::is_empty(at("sub"))) {  // O_TMPFILE: the folder can go away under the file
    fs::remove(at("sub"));
    EXPECT_EQ(file->commit().error().code, Code::not_found);
    fs::create_directory(at("sub"));
  }
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(contents(at("sub/out")), "x");
}

TEST_F(AtomicFileTest, AFileInAFolderThatMayNotBeWrittenGetsItsNewBytesInPlace) {
  fs::permissions(dir_->path(), fs::perms(0755));
  fs::create_directory(at("closed"));
  for (const char* const text : {"longer than before", "short", ""}) {
    std::ofstream(at("closed/out")) << "of yesterday";
    fs::permissions(at("closed/out"), fs::perms(0666));
    fs::permissions(at("closed"), fs::perms(0555));
    {
      const testkit::WithoutRights rights;
      EXPECT_FALSE(AtomicFile::create(at("closed/new")));
      static_cast<void>(AtomicFile::create(at("closed/out"))->write("never committed"));
      EXPECT_EQ(contents(at("closed/out")), "of yesterday");
      put(at("closed/out"), text);
    }
    EXPECT_EQ(contents(at("closed/out")), text);
    fs::permissions(at("closed"), fs::perms(0755));
  }
}

TEST_F(AtomicFileTest, AFileOfSomebodyElseStaysHis) {
  fs::permissions(dir_->path(), fs::perms(0755));
  fs::create_directory(at("shared"));
  fs::permissions(at("shared"), fs::perms(01777));
  std::ofstream(at("shared/out")) << "of yesterday";
  fs::permissions(at("shared/out"), fs::perms(0666));
  const auto owner = [&] {
    struct stat found{};
    EXPECT_EQ(::stat(at("shared/out").c_str(), &found), 0);
    return std::pair(found.st_uid, found.st_gid);
  };
  const auto before = owner();
  {
    const testkit::WithoutRights rights;
    put(at("shared/out"), "new");
  }
  EXPECT_EQ(contents(at("shared/out")), "new");
  EXPECT_EQ(owner(), before);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(at("shared/out").c_str(), 4711, 4712), 0);
  put(at("shared/out"), "newer");
  EXPECT_EQ(contents(at("shared/out")), "newer");
  EXPECT_EQ(owner(), std::pair(uid_t{4711}, gid_t{4712}));
}

TEST_F(AtomicFileTest, AMountPointGetsItsNewBytesInPlace) {
  std::ofstream(at("outside")) << "of yesterday";
  std::ofstream(at("inside"));
  constexpr int kMayNotMount = 77;
  const pid_t writer = ::fork();
  if (writer == 0) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(at("outside").c_str(), at("inside").c_str(), nullptr, MS_BIND, nullptr) != 0)
      ::_exit(kMayNotMount);
    auto file = AtomicFile::create(at("inside"));
    ::_exit(file && file->write("new") && file->commit() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(writer, &status, 0), writer);
  if (WEXITSTATUS(status) == kMayNotMount) GTEST_SKIP() << "mounting is not allowed here";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(contents(at("outside")), "new");
  EXPECT_EQ(entries(), 2) << "no hidden file is left";
}

TEST_F(AtomicFileTest, AFolderIsRefused) {
  EXPECT_EQ(AtomicFile::create(dir_->path()).error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace loom
