#include "events/redis/link.hpp"

#include <algorithm>

#include "base/guarded.hpp"
#include "base/log.hpp"

namespace loom::events::redis {

Link::Link(std::string name, Settings settings, Patience patience, Rest rest, Work work)
    : name_(std::move(name)),
      settings_(std::move(settings)),
      patience_(patience),
      rest_(rest),
      work_(std::move(work)),
      thread_([this] { loop(); }) {}

void Link::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    if (current_ != nullptr) current_->interrupt();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Link::stopping() const {
  const MutexLock lock(mutex_);
  return stopping_;
}

Health Link::health() const {
  const MutexLock lock(mutex_);
  return health_;
}

void Link::loop() {
  auto wait = rest_.first;
  std::uint64_t before = 0;  // times that it worked
  while (!stopping()) {
    auto connection = Connection::open(settings_, patience_);
    const Status done = connection ? use(**connection) : Status(connection.error());
    if (stopping()) return;
    if (!done) lost(done.error());
    const auto worked = health().connects;
    if (worked != before) wait = rest_.first;
    before = worked;
    rest(wait);
    wait = std::min(wait * 2, rest_.most);
  }
}

Status Link::use(Connection& connection) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return ok();
    current_ = &connection;
  }
  Status done = guarded([&] { return work_(connection, *this); });
  const MutexLock lock(mutex_);
  current_ = nullptr;
  return done;
}

void Link::works() {
  {
    const MutexLock lock(mutex_);
    health_ = {.connected = true, .connects = health_.connects + 1};
  }
  log::write(log::Level::info, "redis.connected", {{"link", name_}});
}

void Link::lost(const Error& error) {
  {
    const MutexLock lock(mutex_);
    const bool news = health_.connected || health_.reason != error.message;
    health_.connected = false;
    health_.reason = error.message;
    if (!news) return;
  }
  log::write(log::Level::warning, "redis.lost", {{"link", name_}, {"reason", error.message}});
}

void Link::rest(std::chrono::milliseconds wait) {
  const Instant until = steady_clock().now() + wait;
  const MutexLock lock(mutex_);
  while (!stopping_ && steady_clock().now() < until) changed_.wait_until(mutex_, until);
}

}  // namespace loom::events::redis
