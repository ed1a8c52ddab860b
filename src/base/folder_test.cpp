#include "base/folder.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"

namespace loom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(outer_) << outer_.error().message;
    fs::create_directory(path());
  }
  [[nodiscard]] fs::path path() const { return outer_->path() / "folder"; }
  void make(const std::string& name) { std::ofstream(path() / name) << "x"; }

 private:
  Result<TempDir> outer_ = TempDir::create();
};

/// The descriptor by which this process reads `folder`.
int descriptor_of(const fs::path& folder) {
  int found = -1;
  EXPECT_TRUE(for_entries("/proc/self/fd", [&](const fs::directory_entry& one) {
    std::error_code gone;
    if (fs::read_symlink(one.path(), gone) == folder) found = std::stoi(one.path().filename());
  }));
  return found;
}

TEST_F(Folder, EachEntryIsVisitedOnce) {
  make("a");
  make(".b");
  fs::create_directory(path() / "c");
  std::multiset<std::string> seen;
  EXPECT_TRUE(
      for_entries(path(), [&](const fs::directory_entry& one) { seen.insert(one.path().filename()); }));
  EXPECT_THAT(seen, UnorderedElementsAre("a", ".b", "c"));
}

TEST_F(Folder, WhatIsNoFolderIsNotFoundAndNamed) {
  make("file");
  for (const fs::path& place : {path() / "missing", path() / "file"}) {
    const Status looked = for_entries(place, [](const fs::directory_entry& one) { FAIL() << one.path(); });
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().code, Code::not_found);
    EXPECT_THAT(looked.error().message, HasSubstr("look through " + place.string() + ": "));
  }
}

TEST_F(Folder, AnErrorOfTheVisitEndsTheWalk) {
  make("a");
  make("b");
  int visits = 0;
  const Status looked = for_entries(path(), [&](const fs::directory_entry&) -> Status {
    ++visits;
    return error(Code::conflict, "enough");
  });
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().message, "enough");
  EXPECT_EQ(visits, 1);
}

TEST_F(Folder, AFolderThatCannotBeReadToItsEndIsAnErrorAndNoException) {
  // More names than the C library reads at once (32 KiB).
  constexpr int kNames = 400;
  for (int i = 0; i < kNames; ++i) make(std::string(200, 'x') + std::to_string(i));
  int visits = 0;
  const auto break_it = [&](const fs::directory_entry&) {
    if (++visits > 1) return;
    const int reads = descriptor_of(path());
    ASSERT_GE(reads, 0);
    const Fd no_folder(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::dup3(no_folder.get(), reads, O_CLOEXEC), reads);
  };
  const Status looked = for_entries(path(), break_it);
  ASSERT_FALSE(looked);
  EXPECT_THAT(looked.error().message, HasSubstr(path().string()));
  EXPECT_GT(visits, 0);
  EXPECT_LT(visits, kNames);
}

TEST_F(Folder, AFileAFolderAndWhatCannotBeSyncedAreSynced) {
  make("file");
  EXPECT_TRUE(sync_path(path() / "file"));
  EXPECT_TRUE(sync_path(path()));
  EXPECT_TRUE(sync_all(path()));
  EXPECT_TRUE(sync_path("/dev/null")) << "fsync says EINVAL";
  const Status missing = sync_path(path() / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr((path() / "missing").string()));
}

}  // namespace
}  // namespace loom
