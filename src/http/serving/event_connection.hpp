#pragma once
#include <sys/uio.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "http/server.hpp"
#include "http/serving/lane.hpp"

namespace loom::http {

class EventConnection;

/// What waits to be sent to one listener. It outlives the connection, and even the server, if a sender keeps
/// it; then it does nothing.
class EventQueue final : public EventSink, public std::enable_shared_from_this<EventQueue> {
 public:
  using Frames = std::vector<std::shared_ptr<const std::string>>;

  EventQueue(boost::asio::io_context& io, std::weak_ptr<EventConnection> reader, std::size_t most_bytes)
      : io_(io), reader_(std::move(reader)), most_bytes_(most_bytes) {}

  void send(std::shared_ptr<const std::string> frames) override;
  void close() override;

  enum class Next { frames, nothing, closed };
  /// For the connection: what to send next. `sent_bytes` have been sent since the last call.
  Next take(std::size_t sent_bytes, Frames& into);
  /// Whether more came than may wait: then the listener is to be dropped.
  bool overflowed();
  /// For the connection, when it ends: no more wake-ups.
  void shut();

 private:
  void wake() REQUIRES(mutex_);

  boost::asio::io_context& io_;  // alive while open_
  const std::weak_ptr<EventConnection> reader_;
  const std::size_t most_bytes_;
  Mutex mutex_;
  Frames frames_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;  // of frames_ and of what was taken and is not sent
  bool open_ GUARDED_BY(mutex_) = true;
  bool closing_ GUARDED_BY(mutex_) = false;
  bool overflowed_ GUARDED_BY(mutex_) = false;
  bool awake_ GUARDED_BY(mutex_) = false;  // the connection is told, or sending
};

/// A connection whose reply is an event stream. It holds little, because there may be thousands: no coroutine
/// and no buffers. It lives as long as one of its waits is pending.
class EventConnection final : public Peer, public std::enable_shared_from_this<EventConnection> {
 public:
  /// Of the request that began it.
  struct Start {
    Request request;
    std::string_view pattern;
    int status;
    Instant began;
  };
  EventConnection(Lane& lane, boost::asio::ip::tcp::socket socket, Start start);
  ~EventConnection() override = default;
  EventConnection(const EventConnection&) = delete;
  EventConnection& operator=(const EventConnection&) = delete;

  void begin(const EventStream& stream);
  /// Sends what waits.
  void pump();

  void sweep(Instant now) override;
  void stop() override { end(); }
  void cut() override { end(); }

 private:
  bool next_batch();
  void watch_client();
  void read_away();
  void await_room();
  void drop();
  void end();

  Lane& lane_;
  boost::asio::ip::tcp::socket socket_;
  Start start_;
  std::shared_ptr<EventQueue> queue_;
  std::shared_ptr<void> subscription_;
  EventQueue::Frames batch_;
  std::vector<iovec> pieces_;  // of batch_
  std::span<iovec> rest_;      // of pieces_, not sent yet
  std::size_t batch_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;
  Instant last_sent_;  // or, while blocked, since when
  bool blocked_ = false;
  bool ended_ = false;
};

}  // namespace loom::http
