// What a listing reads; what it gives is in test/contract/object_store_contract.hpp.
#include "storage/files/files_object_store.hpp"

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <set>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"

namespace loom::storage {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

/// Tells which of the folders that were below `root` at first are opened. (Their modes would tell too, but
/// for root.)
class Opens {
 public:
  explicit Opens(const fs::path& root) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    watch(root, ".");
    for (const auto& one : fs::recursive_directory_iterator(root))
      if (one.is_directory()) watch(one.path(), fs::relative(one.path(), root).string());
    take();
  }

  /// Since it was asked last.
  Names take() {
    Names opened;
    alignas(inotify_event) std::array<char, 65536> block{};
    for (;;) {
      const ssize_t got = ::read(fd_.get(), block.data(), block.size());
      if (got <= 0) return opened;
      for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
        inotify_event event{};
        std::memcpy(&event, block.data() + at, sizeof event);
        // One with a name tells of what is in the folder.
        if (event.len == 0) opened.insert(folders_.at(event.wd));
        at += sizeof event + event.len;
      }
    }
  }

 private:
  void watch(const fs::path& folder, const std::string& name) {
    const int number = ::inotify_add_watch(fd_.get(), folder.c_str(), IN_OPEN | IN_ONLYDIR);
    EXPECT_GE(number, 0) << folder;
    folders_[number] = name;
  }

  Fd fd_;
  std::map<int, std::string> folders_;
};

class FilesListing : public testing::Test {
 protected:
  void put(std::initializer_list<const char*> names) {
    for (const char* name : names)
      ASSERT_TRUE(store_->put(ObjectKey::parse(name).value(), {}, Deadline::never())) << name;
  }

  Names list(std::string_view prefix, std::string_view after = "", std::size_t max_count = 100) {
    const auto page = store_->list(prefix, after, max_count, Deadline::never()).value();
    Names names;
    for (const ObjectInfo& one : page) names.insert(one.key.str());
    return names;
  }

  TempDir folder_ = TempDir::create().value();
  std::unique_ptr<FilesObjectStore> store_ = FilesObjectStore::open(folder_.path()).value();
};

TEST_F(FilesListing, OfAPrefixReadsTheFoldersBelowItAndNoOther) {
  put({"jobs/1/rendered/x", "jobs/2/output", "jobs/3/output", "jobs/3/rendered/y/z", "queries/q"});
  Opens opens(folder_.path());
  EXPECT_EQ(list("jobs/3/rendered/"), (Names{"jobs/3/rendered/y/z"}));
  EXPECT_EQ(opens.take(), (Names{"jobs/3/rendered", "jobs/3/rendered/y"}));
  EXPECT_EQ(list("jobs/3/ren"), (Names{"jobs/3/rendered/y/z"}));
  EXPECT_EQ(opens.take(), (Names{"jobs/3", "jobs/3/rendered", "jobs/3/rendered/y"}));
}

TEST_F(FilesListing, APageReadsNeitherTheFoldersBeforeItNorThoseBehindIt) {
  put({"jobs/1/a", "jobs/2/a", "jobs/3/a", "jobs/4/a", "queries/q"});
  Opens opens(folder_.path());
  EXPECT_EQ(list("jobs/", "jobs/2/a", 1), (Names{"jobs/3/a"}));
  EXPECT_EQ(opens.take(), (Names{"jobs", "jobs/2", "jobs/3"})) << "jobs/2 might have more";
  EXPECT_EQ(list("", "jobs/3/~", 1), (Names{"jobs/4/a"}));
  EXPECT_EQ(opens.take(), (Names{".", "jobs", "jobs/3", "jobs/4"}));
  EXPECT_EQ(list("", "jobs0"), (Names{"queries/q"}));
  EXPECT_EQ(opens.take(), (Names{".", "queries"}));
}

TEST_F(FilesListing, OfWhatIsNoFolderOfAKeyReadsNothing) {
  put({"jobs/1/a"});
  Opens opens(folder_.path());
  for (const char* prefix : {"../", "/", "jobs//", "jobs/../jobs/", "jobs/./", "jobs/1/a/", "jobs/2/"})
    EXPECT_EQ(list(prefix), Names()) << prefix;
  EXPECT_EQ(opens.take(), Names());
}

}  // namespace
}  // namespace loom::storage
