#include "api/ready_watch.hpp"

#include <utility>

namespace loom::api {

ReadyWatch::ReadyWatch(Broadcaster& broadcaster, std::function<ReadyState()> ready,
                       std::chrono::milliseconds period)
    : broadcaster_(broadcaster), ready_(std::move(ready)), period_(period), thread_([this] { loop(); }) {}

ReadyWatch::~ReadyWatch() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadyWatch::loop() {
  while (wait())
    if (broadcaster_.has_listeners_to_all()) broadcaster_.tell_server(ready_json(ready_()));
}

/// For one period; false: it ends.
bool ReadyWatch::wait() {
  const auto due = std::chrono::steady_clock::now() + period_;
  const MutexLock lock(mutex_);
  while (!stopping_ && std::chrono::steady_clock::now() < due) changed_.wait_until(mutex_, due);
  return !stopping_;
}

}  // namespace loom::api
