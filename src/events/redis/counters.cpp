#include "events/redis/counters.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/guarded.hpp"
#include "base/number.hpp"

namespace loom::events::redis {

std::string_view name(Row row) {
  switch (row) {
    case Row::requests:
      return "requests";
    case Row::submits:
      return "submits";
    case Row::tasks:
      return "tasks";
    case Row::beats:
      return "beats";
  }
  LOOM_CHECK(false, "a Row outside its enumerators");
}

Counters::Counters(const Settings& settings, CounterOptions options, const Clock& clock)
    : settings_(settings), options_(std::move(options)), clock_(clock), sender_([this] { send_loop(); }) {}

Counters::~Counters() {
  {
    const MutexLock lock(stop_mutex_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  sender_.join();
}

void Counters::emit(Row row, std::uint32_t count) {
  auto& pending = pending_.at(static_cast<std::size_t>(row));
  std::uint32_t now = pending.load(std::memory_order_relaxed);
  while (now < options_.most) {
    const std::uint32_t next = now + std::min(count, options_.most - now);
    if (pending.compare_exchange_weak(now, next, std::memory_order_relaxed)) return;
  }
}

void Counters::send_loop() {
  for (;;) {
    {
      const Instant until = steady_clock().now() + options_.send_every;
      const MutexLock lock(stop_mutex_);
      while (!stopping_ && steady_clock().now() < until) stop_changed_.wait_until(stop_mutex_, until);
      if (stopping_) return;
    }
    // What threw is not counted, or counted with the next.
    static_cast<void>(guarded([this] { send(); }));
  }
}

void Counters::send() {
  const MutexLock lock(mutex_);
  if (clock_.now() < rest_until_) return;
  std::vector<Words> commands;
  for (const Row row : kRows) {
    const std::uint32_t count =
        pending_.at(static_cast<std::size_t>(row)).exchange(0, std::memory_order_relaxed);
    if (count > 0)
      commands.push_back({"HINCRBY", options_.key, std::string(name(row)), fmt::to_string(count)});
  }
  if (!commands.empty()) static_cast<void>(ask(commands));
}

Result<std::vector<Value>> Counters::ask(const std::vector<Words>& commands) {
  if (clock_.now() < rest_until_) return error(Code::unavailable, "Redis rests after a failure");
  const auto trip = [this](const Error& error) REQUIRES(mutex_) {
    connection_.reset();
    rest_until_ = clock_.now() + options_.cooldown;
    return error;
  };
  if (!connection_) {
    auto made = Connection::open(settings_, options_.patience);
    if (!made) return trip(made.error());
    connection_ = *std::move(made);
  }
  auto replies = connection_->run_all(commands);
  if (!replies) return trip(replies.error());
  for (const Value& reply : *replies)
    if (reply.kind == Value::Kind::error) return trip(refused(reply));
  return replies;
}

Counts Counters::drain() {
  Counts counts{};
  const MutexLock lock(mutex_);
  const auto replies = ask({{"MULTI"}, {"HGETALL", options_.key}, {"DEL", options_.key}, {"EXEC"}});
  if (!replies || replies->back().items.empty()) return counts;
  const std::vector<Value>& fields = replies->back().items.front().items;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const auto row =
        std::find_if(kRows.begin(), kRows.end(), [&](Row one) { return name(one) == fields[i].text; });
    const auto count = number_of<std::int64_t>(fields[i + 1].text);
    if (row == kRows.end() || !count) continue;
    counts.at(static_cast<std::size_t>(*row)) =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(*count, 0, options_.most));
  }
  return counts;
}

void Counters::reset() {
  const MutexLock lock(mutex_);
  connection_.reset();
}

bool Counters::resting() {
  const MutexLock lock(mutex_);
  return clock_.now() < rest_until_;
}

}  // namespace loom::events::redis
