#include "api/watch.hpp"

#include <utility>

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
  while (wait()) look_();
}

/// For one period; false: it ends.
bool Watch::wait() {
  const auto due = std::chrono::steady_clock::now() + period_;
  const MutexLock lock(mutex_);
  while (!stopping_ && std::chrono::steady_clock::now() < due) changed_.wait_until(mutex_, due);
  return !stopping_;
}

}  // namespace loom::api
