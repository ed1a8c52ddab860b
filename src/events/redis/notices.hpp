#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/mutex.hpp"
#include "events/redis/link.hpp"

namespace loom::events::redis {

/// What of the metadata shown of databases is no longer so. An empty `account`: all there is; an empty
/// `database`: all of that account; an empty `snapshot`: the current one.
struct Changed {
  std::string account{};
  std::string database{};
  std::string snapshot{};
  friend bool operator==(const Changed&, const Changed&) = default;
};

/// As a message of the channel (doc/formats/redis.md), and back; `sender` keeps a process from hearing
/// itself.
std::string message_of(const Changed& changed, std::string_view sender);
struct Message {
  std::string sender;
  Changed changed;
};
/// Errors: corrupt.
Result<Message> parse_message(std::string_view text);

struct NoticeOptions {
  std::string channel = "blastloom:changed";
  std::size_t waiting = 256;  ///< messages; past it one that says "all" stands for them
  Patience patience{};
  Rest rest{};
};

/// Tells other processes over a channel (pub/sub) what changed, and is told by them. Best effort, but never
/// silent: whoever connects (again) is told that all may have changed, as he may have missed something.
/// Thread-safe.
class Notices {
 public:
  /// Called on a thread of its own; may block.
  using Told = std::function<void(const Changed&)>;

  /// Redis need not be there yet.
  Notices(const Settings& settings, NoticeOptions options, Told told);
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;
  ~Notices();

  /// Never blocks on Redis. Sent when it is back, if it is away.
  void tell(const Changed& changed);
  /// Of the worse of its two connections.
  [[nodiscard]] Health health() const;
  /// What waits to be sent.
  [[nodiscard]] std::size_t waiting() const;

 private:
  Status listen(Connection& connection, Link& link);
  Status speak(Connection& connection, Link& link);
  void hear(const Value& message);
  enum class Woken { by_message, by_time, to_stop };
  Woken wait();

  const NoticeOptions options_;
  const std::string name_;  // of this process
  const Told told_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<Link> listener_;
  std::unique_ptr<Link> speaker_;
};

}  // namespace loom::events::redis
