#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.hpp"
#include "events/hub.hpp"
#include "http/message.hpp"
#include "service/access.hpp"
#include "store/job.hpp"

namespace loom::api {

/// What an event stream is about.
struct Topic {
  std::optional<store::JobId>
      job;  ///< of one job, whose ids are its seq; else of all, whose ids are the order
  std::optional<std::string> owner;  ///< of all: only his events; unset: everyone's
};

/// Appends "id: N\nevent: job\ndata: {…}\n\n".
void append_frame(std::string& out, const store::Event& event, bool of_job);

class Broadcaster;

/// One listener. It begins quiet: while its history is read it is only told that it missed something.
/// Thread-safe.
class Listener {
 public:
  /// `token`: what let the caller in; nullopt: none was asked for.
  Listener(std::shared_ptr<http::EventSink> sink, Topic topic,
           std::optional<service::Token> token = std::nullopt)
      : sink_(std::move(sink)), topic_(std::move(topic)), token_(std::move(token)) {}

  [[nodiscard]] const Topic& topic() const { return topic_; }
  [[nodiscard]] const std::optional<service::Token>& token() const { return token_; }
  [[nodiscard]] http::EventSink& sink() { return *sink_; }
  /// Whether it was removed: nobody reads any more.
  [[nodiscard]] bool gone() const { return gone_.load(std::memory_order_relaxed); }

 private:
  friend class Broadcaster;
  std::shared_ptr<http::EventSink> sink_;
  const Topic topic_;
  const std::optional<service::Token> token_;
  std::atomic<bool> gone_{false};
  // The others are guarded by the broadcaster's mutex.
  bool live_ = false;
  bool missed_ = false;
  std::uint64_t after_ = 0;                   ///< the greatest id that it has had
  std::shared_ptr<const std::string> heard_;  ///< of the server, the last that it was told; null: nothing
};

/// Hands the store's events to event streams: listens to the hub once, writes each event once, and shares the
/// text among all who get it. Per batch of events the cost is one lookup per job and owner, and one send per
/// listener. Who wants history does this, in this order, and misses nothing and gets nothing twice:
///   add(); then again and again: begin_catching_up(), read history up to its end, try_go_live().
/// What is committed before begin_catching_up() is found in the history; what the hub tells later is noticed.
/// Thread-safe; never blocks.
class Broadcaster {
 public:
  /// `hub` is borrowed.
  explicit Broadcaster(events::Hub& hub);
  ~Broadcaster();
  Broadcaster(const Broadcaster&) = delete;
  Broadcaster& operator=(const Broadcaster&) = delete;

  /// Quiet until it goes live.
  void add(const std::shared_ptr<Listener>& listener);
  /// Live at once, with events whose id is above `after`, if none up to now is missing; else quiet, and
  /// false.
  [[nodiscard]] bool add_live(const std::shared_ptr<Listener>& listener, std::uint64_t after);
  /// Nothing is sent to it after that, but for what is under way.
  void remove(Listener& listener);

  void begin_catching_up(Listener& listener);
  /// `after` is the greatest id that was sent. False: something happened meanwhile; catch up again.
  [[nodiscard]] bool try_go_live(Listener& listener, std::uint64_t after);

  /// How the server is, as "event: server\ndata: {…}\n\n". It is not of the store: it has no id, so that who
  /// comes again still goes on after its last event of a job, and quiet listeners hear it too. Each listener
  /// to all jobs is told once, and again when `json` is another than the last. From one thread at a time.
  void tell_server(std::string_view json) EXCLUDES(mutex_);

  /// The order of the last event that was handed out.
  [[nodiscard]] std::uint64_t last_order() const EXCLUDES(mutex_);
  [[nodiscard]] std::size_t listeners() const { return count_.load(std::memory_order_relaxed); }
  /// Those who listen now, in no order.
  [[nodiscard]] std::vector<std::shared_ptr<Listener>> all() const EXCLUDES(mutex_);
  /// Whether anybody listens to all jobs.
  [[nodiscard]] bool has_listeners_to_all() const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return !everyone_.empty() || !by_owner_.empty();
  }

 private:
  using Listeners = std::vector<std::shared_ptr<Listener>>;
  using Text = std::shared_ptr<const std::string>;
  using Events = std::vector<store::Event>;
  struct Sending {
    std::shared_ptr<Listener> listener;
    Text text;
    bool last = false;  ///< the stream ends with it
  };

  void tell(const Events& events) EXCLUDES(mutex_);
  void gather(const Listeners& listeners, const std::vector<const store::Event*>& events,
              std::vector<Sending>& into) REQUIRES(mutex_);
  void gather_unaware(const Listeners& listeners, std::vector<Sending>& into) REQUIRES(mutex_);
  static void send(const std::vector<Sending>& sendings);
  Listeners& group_of(const Topic& topic) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::uint64_t last_order_ GUARDED_BY(mutex_) = 0;
  Listeners everyone_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Listeners> by_owner_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Listeners> by_job_ GUARDED_BY(mutex_);
  Text server_ GUARDED_BY(mutex_);  ///< the frame of how it is; null: not told yet
  std::atomic<std::size_t> count_{0};
  std::shared_ptr<void> subscription_;  ///< last: its end waits for tell()
};

}  // namespace loom::api
