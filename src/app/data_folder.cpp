#include "app/data_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/atomic_file.hpp"
#include "base/clock.hpp"
#include "store/job.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameDigits = 12;
constexpr std::chrono::seconds kOthersStart{10};

Result<Fd> open_lock(const fs::path& file) {
  Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return system_error(errno, "lock " + file.string());
  return lock;
}

Status make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return system_error(failed.value(), "make folder " + folder.string());
  return ok();
}

Status write_line(const fs::path& path, const std::string& text) {
  LOOM_TRY(AtomicFile file, AtomicFile::create(path));
  LOOM_CHECKED(file.write(text + "\n"));
  return file.commit();
}

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

bool is_server(const fs::path& folder) {
  return !folder.filename().string().starts_with('.');
}

/// Once the others let us in: one that starts is alone for a moment.
bool join(const Fd& lock) {
  const Deadline deadline = Deadline::in(kOthersStart);
  while (::flock(lock.get(), LOCK_SH | LOCK_NB) != 0) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

/// Whether the server of that folder lives: nobody else can have its lock.
bool is_alive(const fs::path& folder) {
  const Fd lock(::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC));
  return lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0;
}

}  // namespace

Result<DataFolder> DataFolder::open(const fs::path& path, bool share) {
  DataFolder folder(path, share);
  LOOM_CHECKED(make_folder(path));
  std::error_code ignored;
  fs::permissions(path, fs::perms::owner_all, ignored);
  LOOM_CHECKED(folder.lock());
  for (const char* name : {"objects", "work", "servers"}) LOOM_CHECKED(make_folder(path / name));
  LOOM_CHECKED(folder.make_own());
  return folder;
}

/// Alone if that can be, until let_others_in(): what is cleaned up must not be in use.
Status DataFolder::lock() {
  LOOM_TRY(lock_, open_lock(path_ / "lock"));
  was_alone_ = ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
  if (!was_alone_ && !(share_ && join(lock_)))
    return error(Code::conflict,
                 "another server uses {}; stop it, or give another --data folder, or start both with --share",
                 path_.string());
  if (!was_alone_) return ok();
  std::error_code ignored;
  // "uploads" and "hits": of releases before servers could share.
  for (const char* left : {"servers", "uploads", "hits"}) fs::remove_all(path_ / left, ignored);
  return ok();
}

Status DataFolder::make_own() {
  const fs::path all = path_ / "servers";
  std::error_code ignored;
  for (const auto& other : fs::directory_iterator(all, ignored))
    if (is_server(other.path()) && !is_alive(other.path())) fs::remove_all(other.path(), ignored);
  name_ = store::random_token().substr(0, kNameDigits);
  // It appears with its lock held, so that nobody takes it for that of a server that is gone.
  const fs::path made = all / ("." + name_);
  LOOM_CHECKED(make_folder(made / "uploads"));
  LOOM_TRY(own_lock_, open_lock(made / "lock"));
  if (::flock(own_lock_.get(), LOCK_EX) != 0) return system_error(errno, "lock " + made.string());
  std::error_code failed;
  fs::rename(made, own(), failed);
  if (failed) return system_error(failed.value(), "make folder " + own().string());
  return ok();
}

Status DataFolder::let_others_in() const {
  if (share_ && ::flock(lock_.get(), LOCK_SH) != 0) return system_error(errno, "share " + path_.string());
  return ok();
}

DataFolder::~DataFolder() {
  if (!own_lock_) return;
  std::error_code ignored;
  const std::string mine = first_line(own() / "address");
  if (!mine.empty() && first_line(path_ / "address") == mine) fs::remove(path_ / "address", ignored);
  fs::remove_all(own(), ignored);
}

Status DataFolder::write_address(const std::string& address) const {
  LOOM_CHECKED(write_line(own() / "address", address));
  return write_line(path_ / "address", address);
}

std::vector<DataFolder::Server> DataFolder::servers() const {
  std::vector<Server> all;
  std::error_code failed;
  for (const auto& one : fs::directory_iterator(path_ / "servers", failed)) {
    const std::string name = one.path().filename().string();
    const bool self = name == name_;
    if (self || (is_server(one.path()) && is_alive(one.path())))
      all.push_back({name, first_line(one.path() / "address"), self});
  }
  std::ranges::sort(all, {}, &Server::name);
  return all;
}

}  // namespace loom::app
