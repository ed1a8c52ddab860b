#include "events/redis/notices.hpp"

#include "base/log.hpp"
#include "base/random.hpp"

namespace loom::events::redis {
namespace {

constexpr char kBetween = '\t';

/// Takes the text up to the next tab off `rest`; the last one is all that is left.
Result<std::string> take_word(std::string_view& rest) {
  const std::size_t end = rest.find(kBetween);
  if (end == std::string_view::npos)
    return error(Code::corrupt, "a message on the channel with a word too few");
  std::string word(rest.substr(0, end));
  rest.remove_prefix(end + 1);
  return word;
}

}  // namespace

std::string message_of(const Changed& changed, std::string_view sender) {
  return fmt::format("{1}{0}{2}{0}{3}{0}{4}", kBetween, sender, changed.account, changed.snapshot,
                     changed.database);
}

Result<Message> parse_message(std::string_view text) {
  Message message;
  LOOM_TRY(message.sender, take_word(text));
  LOOM_TRY(message.changed.account, take_word(text));
  LOOM_TRY(message.changed.snapshot, take_word(text));
  message.changed.database = text;
  return message;
}

Notices::Notices(const Settings& settings, NoticeOptions options, Told told)
    : options_(std::move(options)), name_(random_token()), told_(std::move(told)) {
  listener_ =
      std::make_unique<Link>("changes.in", settings, options_.patience, options_.rest,
                             [this](Connection& connection, Link& link) { return listen(connection, link); });
  speaker_ =
      std::make_unique<Link>("changes.out", settings, options_.patience, options_.rest,
                             [this](Connection& connection, Link& link) { return speak(connection, link); });
}

Notices::~Notices() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  listener_->stop();
  speaker_->stop();
}

void Notices::tell(const Changed& changed) {
  {
    const MutexLock lock(mutex_);
    if (queue_.size() >= options_.waiting) {
      queue_.clear();
      queue_.push_back(message_of({}, name_));
    } else {
      queue_.push_back(message_of(changed, name_));
    }
  }
  changed_.notify_all();
}

Health Notices::health() const {
  const Health in = listener_->health();
  return in.connected ? speaker_->health() : in;
}

std::size_t Notices::waiting() const {
  const MutexLock lock(mutex_);
  return queue_.size();
}

Status Notices::listen(Connection& connection, Link& link) {
  LOOM_CHECKED(connection.run({"SUBSCRIBE", options_.channel}));
  link.works();
  told_({});
  bool asked = false;
  while (!link.stopping()) {
    LOOM_TRY(const Value message, connection.receive(options_.patience.reply / 2));
    if (message.kind != Value::Kind::nothing) {
      asked = false;
      hear(message);
    } else if (asked) {
      return error(Code::unavailable, "Redis: no answer in time");
    } else {
      LOOM_CHECKED(connection.send({"PING"}));
      asked = true;
    }
  }
  return ok();
}

void Notices::hear(const Value& message) {
  if (message.items.size() != 3 || message.items[0].text != "message") return;  // the answer to a PING
  const auto parsed = parse_message(message.items[2].text);
  if (!parsed) {
    log::write(log::Level::warning, "redis.message_skipped", {{"reason", parsed.error().message}});
  } else if (parsed->sender != name_) {
    told_(parsed->changed);
  }
}

Status Notices::speak(Connection& connection, Link& link) {
  LOOM_CHECKED(connection.run({"PING"}));
  link.works();
  for (;;) {
    const Woken woken = wait();
    if (woken == Woken::to_stop) return ok();
    if (woken == Woken::by_time) {
      LOOM_CHECKED(connection.run({"PING"}));
      continue;
    }
    std::string next;
    {
      const MutexLock lock(mutex_);
      next = queue_.front();
    }
    LOOM_CHECKED(connection.run({"PUBLISH", options_.channel, next}));
    const MutexLock lock(mutex_);
    if (!queue_.empty() && queue_.front() == next)
      queue_.pop_front();  // else tell() has put "all" in its place
  }
}

Notices::Woken Notices::wait() {
  const Instant until = steady_clock().now() + kPing;
  const MutexLock lock(mutex_);
  while (queue_.empty() && !stopping_ && steady_clock().now() < until) changed_.wait_until(mutex_, until);
  if (stopping_) return Woken::to_stop;
  return queue_.empty() ? Woken::by_time : Woken::by_message;
}

}  // namespace loom::events::redis
