#include "base/temp_dir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace loom {
namespace {

constexpr std::string_view kPrefix = "blastloom-";
constexpr std::string_view kMark = "XXXXXX";  // what mkdtemp fills in
constexpr const char* kLock = ".lock";
constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

/// The names in `folder`, without "." and "..". Whatever cannot be read is left out: removal is best effort.
std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  Fd again(::openat(folder, ".", kFolder));
  const std::unique_ptr<DIR, CloseDir> dir(again ? ::fdopendir(again.get()) : nullptr);
  if (!dir) return names;
  static_cast<void>(again.release());  // closedir closes it
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the folders are.
void remove_tree(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || (errno != EISDIR && errno != EPERM)) return;
  {
    const Fd folder(::openat(parent, name.c_str(), kFolder));
    if (!folder) return;
    for (const std::string& child : names_in(folder.get())) remove_tree(folder.get(), child);
  }
  ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

/// Removes the folder `name`, whose lock the caller holds. The lock file goes last: a process that has just
/// made the folder and now makes the lock file anew keeps it, because then the final rmdir fails.
void remove_locked(int parent, const std::string& name) {
  {
    const Fd folder(::openat(parent, name.c_str(), kFolder));
    if (!folder) return;
    for (const std::string& child : names_in(folder.get())) {
      if (child != kLock) remove_tree(folder.get(), child);
    }
    ::unlinkat(folder.get(), kLock, 0);
  }
  ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

/// The lock file of `folder`, locked; empty when another process holds it or removed it meanwhile. `create`
/// is O_CREAT or 0: then it is also empty when there is none.
Fd lock_folder(int folder, int create) {
  Fd lock(::openat(folder, kLock, O_RDWR | create | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return {};
  struct stat found{};
  if (::fstat(lock.get(), &found) != 0 || found.st_nlink == 0) return {};
  return lock;
}

void sweep(const std::filesystem::path& parent) {
  const Fd place(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!place) return;
  for (const std::string& name : names_in(place.get())) {
    if (!name.starts_with(kPrefix) || name.size() != std::string_view(kPrefix).size() + kMark.size())
      continue;
    const Fd folder(::openat(place.get(), name.c_str(), kFolder));
    struct stat found{};
    if (!folder || ::fstat(folder.get(), &found) != 0 || found.st_uid != ::geteuid()) continue;
    const Fd lock = lock_folder(folder.get(), 0);
    if (lock) {
      remove_locked(place.get(), name);
    } else {
      // Its owner died before it could make the lock file, if it is empty: else it is locked, or somebody's
      // own.
      ::unlinkat(place.get(), name.c_str(), AT_REMOVEDIR);
    }
  }
}

}  // namespace

std::filesystem::path TempDir::default_parent() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
}

Result<TempDir> TempDir::create(const std::filesystem::path& parent) {
  std::error_code failed;
  const std::filesystem::path place = std::filesystem::absolute(parent, failed);
  if (failed) return system_error(failed.value(), parent.string());
  sweep(place);
  // Another process may sweep the folder away between its making and its locking: then make another.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string path = (place / kPrefix).string().append(kMark);
    if (::mkdtemp(path.data()) == nullptr) {
      Error error = system_error(errno, "make a temporary folder in " + place.string());
      error.message += "; set TMPDIR to a folder that can be written";
      return error;
    }
    const Fd folder(::open(path.c_str(), kFolder));
    Fd lock = folder ? lock_folder(folder.get(), O_CREAT) : Fd{};
    if (lock) return TempDir(std::move(path), std::move(lock));
  }
  return error(Code::unavailable,
               "cannot lock a temporary folder in {}; does that file system support flock?", place.string());
}

TempDir::TempDir(std::filesystem::path path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

TempDir::TempDir(TempDir&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    lock_ = std::move(other.lock_);
  }
  return *this;
}

TempDir::~TempDir() {
  remove();
}

void TempDir::remove() {
  if (path_.empty()) return;
  const Fd parent(::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) remove_locked(parent.get(), path_.filename().string());
  path_.clear();
}

}  // namespace loom
