#include "api/watch.hpp"

#include <utility>

#include "base/guarded.hpp"
#include "base/log.hpp"

namespace loom::api {

Watch::Watch(std::function<void()> look, std::chrono::milliseconds period)
    : look_(std::move(look)), period_(period), thread_([this] { loop(); }) {}

Watch::~Watch() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watch::loop() {
  while (wait()) {
    const Status looked = guarded(look_);
    if (!looked) log::write(log::Level::warning, "watch.threw", {{"reason", looked.error().message}});
  }
}

/// For one period; false: it ends.
bool Watch::wait() {
  const auto due = std::chrono::steady_clock::now() + period_;
  const MutexLock lock(mutex_);
  while (!stopping_ && std::chrono::steady_clock::now() < due) changed_.wait_until(mutex_, due);
  return !stopping_;
}

}  // namespace loom::api
