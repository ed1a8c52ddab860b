#include "store/sqlite/ballast.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace loom::store::sqlite {

namespace {
constexpr off_t kBallastBytes = off_t{4} << 20U;
constexpr std::chrono::seconds kLookEvery{1};
}  // namespace

Ballast::Ballast(std::filesystem::path path) : path_(std::move(path)) {
  const MutexLock lock(mutex_);
  make();
}

void Ballast::keep() {
  const MutexLock lock(mutex_);
  if (!kept_ && std::chrono::steady_clock::now() >= next_look_) make();
}

void Ballast::give_up() {
  const MutexLock lock(mutex_);
  kept_ = false;
  next_look_ = std::chrono::steady_clock::now() + kLookEvery;
  ::unlink(path_.c_str());
}

void Ballast::make() {
  next_look_ = std::chrono::steady_clock::now() + kLookEvery;
  const Fd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  kept_ = file && ::posix_fallocate(file.get(), 0, kBallastBytes) == 0;
  if (!kept_) ::unlink(path_.c_str());
}

}  // namespace loom::store::sqlite
