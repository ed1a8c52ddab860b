#include "events/listeners.hpp"

#include "base/guarded.hpp"
#include "base/log.hpp"

namespace loom::events {

std::uint64_t Listeners::add(Hub::Listener listener, std::shared_ptr<void>& handle) {
  std::list<Hub::Listener>::iterator place;
  std::uint64_t last = 0;
  {
    const MutexLock lock(mutex_);
    place = all_.insert(all_.end(), std::move(listener));
    last = last_;
  }
  // Without the lock: a handle that is replaced, or cannot be made, takes it.
  handle = std::shared_ptr<void>(nullptr, [this, place](void*) {
    const MutexLock lock(mutex_);
    all_.erase(place);
  });
  return last;
}

void Listeners::tell(const std::vector<store::Event>& events) {
  const MutexLock lock(mutex_);
  last_ = events.back().order;  // first, so that whatever is thrown nobody is told twice
  for (const Hub::Listener& listener : all_) {
    const Status told = guarded([&] { listener(events); });
    if (!told) log::write(log::Level::error, "events.listener_threw", {{"reason", told.error().message}});
  }
}

std::uint64_t Listeners::last() {
  const MutexLock lock(mutex_);
  return last_;
}

void Listeners::pass(std::uint64_t last) {
  const MutexLock lock(mutex_);
  last_ = last;
}

}  // namespace loom::events
