#include "sched/job_claims.hpp"

#include <fcntl.h>

#include <charconv>

namespace loom::sched {

namespace {

/// 60 of the 128 random bits. Should two jobs share them, one waits for the other.
std::int64_t place_of(const store::JobId& id) {
  constexpr std::size_t kDigits = 15;
  constexpr int kHex = 16;
  std::int64_t place = 0;
  std::from_chars(id.str().data(), id.str().data() + kDigits, place, kHex);
  return place;
}

}  // namespace

Result<std::shared_ptr<JobClaims>> JobClaims::open(const std::filesystem::path& file) {
  Fd opened(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!opened) return system_error(errno, "open " + file.string());
  return std::shared_ptr<JobClaims>(new JobClaims(std::move(opened)));
}

std::shared_ptr<void> JobClaims::take(const std::shared_ptr<JobClaims>& claims, const store::JobId& id) {
  const std::int64_t place = place_of(id);
  if (claims->acquire(place) == Outcome::refused) return nullptr;
  return {claims.get(), [claims, place](void*) { claims->release(place); }};
}

JobClaims::Outcome JobClaims::acquire(std::int64_t place) {
  const MutexLock lock(mutex_);
  if (const auto held = held_.find(place); held != held_.end()) {
    ++held->second;
    return Outcome::done;
  }
  if (set(place, F_WRLCK) == Outcome::refused) return Outcome::refused;
  held_[place] = 1;
  return Outcome::done;
}

void JobClaims::release(std::int64_t place) {
  const MutexLock lock(mutex_);
  const auto held = held_.find(place);
  if (--held->second > 0) return;
  held_.erase(held);
  set(place, F_UNLCK);
}

JobClaims::Outcome JobClaims::set(std::int64_t place, int type) {
  // Of the open file, not of the process: what else opens and closes the file does not lose it.
  struct flock lock{};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = place;
  lock.l_len = 1;
  return ::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0 ? Outcome::done : Outcome::refused;
}

}  // namespace loom::sched
