#include "base/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

namespace loom {
namespace {

namespace fs = std::filesystem;

TEST(TempDir, IsPrivateAndGoesWithAllItHoldsButNotWhatItsLinksPointTo) {
  const auto outer = TempDir::create();
  ASSERT_TRUE(outer) << outer.error().message;
  const fs::path kept = outer->path() / "kept";
  fs::create_directory(kept);
  std::ofstream(kept / "file") << "x";
  fs::path gone;
  {
    const auto inner = TempDir::create(outer->path());
    ASSERT_TRUE(inner) << inner.error().message;
    gone = inner->path();
    struct stat found{};
    ASSERT_EQ(::stat(gone.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0700U);
    fs::create_directories(gone / "a/b");
    std::ofstream(gone / "a/b/file") << "x";
    fs::create_directory_symlink(kept, gone / "a/link");
  }
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_TRUE(fs::exists(kept / "file"));
}

TEST(TempDir, WhatAKilledOwnerLeftIsRemovedByTheNextRunAndALivingOneIsKept) {
  const auto parent = TempDir::create();
  ASSERT_TRUE(parent);
  const auto living = TempDir::create(parent->path());
  ASSERT_TRUE(living);
  const pid_t owner = ::fork();
  if (owner == 0) {
    const auto mine = TempDir::create(parent->path());
    std::ofstream(mine->path() / "file") << "x";
    std::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(owner, &status, 0), owner);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  const auto entries = [&] { return std::distance(fs::directory_iterator(parent->path()), {}); };
  ASSERT_EQ(entries(), 3) << "the lock, the living folder, the dead one";
  const auto next = TempDir::create(parent->path());
  ASSERT_TRUE(next);
  EXPECT_EQ(entries(), 3) << "the lock, the living folder, the next one";
  EXPECT_TRUE(fs::exists(living->path()));
}

TEST(TempDir, WhatAnOwnerLeftThatWasKilledBeforeItsLockIsRemoved) {
  const auto parent = TempDir::create();
  ASSERT_TRUE(parent);
  fs::create_directory(parent->path() / "blastloom-abcdef");
  ASSERT_TRUE(TempDir::create(parent->path()));
  EXPECT_FALSE(fs::exists(parent->path() / "blastloom-abcdef"));
}

TEST(TempDir, SomebodysOwnFolderIsKeptWhateverItIsCalled) {
  const auto parent = TempDir::create();
  ASSERT_TRUE(parent);
  for (const char* name : {"blastloom-abcdef", "blastloom-results"}) {
    fs::create_directory(parent->path() / name);
    std::ofstream(parent->path() / name / "file") << "x";
  }
  ASSERT_TRUE(TempDir::create(parent->path()));
  EXPECT_TRUE(fs::exists(parent->path() / "blastloom-abcdef/file"));
  EXPECT_TRUE(fs::exists(parent->path() / "blastloom-results/file"));
}

TEST(TempDir, AMissingParentIsNamedWithTheWayOut) {
  const auto made = TempDir::create("/nonexistent/place");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::not_found);
  EXPECT_NE(made.error().message.find("/nonexistent/place"), std::string::npos);
  EXPECT_NE(made.error().message.find("TMPDIR"), std::string::npos);
}

}  // namespace
}  // namespace loom
