#include "http/serving/event_connection.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "http/serving/gathered_write.hpp"

namespace loom::http {

using boost::asio::ip::tcp;
using boost::system::error_code;

void EventQueue::send(std::shared_ptr<const std::string> frames) {
  const MutexLock lock(mutex_);
  if (!open_ || closing_ || overflowed_ || !frames || frames->empty()) return;
  if (frames->size() > most_bytes_ - bytes_) {
    overflowed_ = true;
    frames_.clear();
  } else {
    bytes_ += frames->size();
    frames_.push_back(std::move(frames));
  }
  wake();
}

void EventQueue::close() {
  const MutexLock lock(mutex_);
  if (!open_ || closing_) return;
  closing_ = true;
  wake();
}

// Posted under the lock: shut() takes it too, so the context is still there.
void EventQueue::wake() {
  if (awake_ && !overflowed_) return;
  awake_ = true;
  boost::asio::post(io_, [reader = reader_] {
    if (const auto connection = reader.lock()) connection->pump();
  });
}

EventQueue::Next EventQueue::take(std::size_t sent_bytes, Frames& into) {
  const MutexLock lock(mutex_);
  bytes_ -= sent_bytes;
  if (!frames_.empty()) {
    into.swap(frames_);
    return Next::frames;
  }
  awake_ = false;
  return closing_ ? Next::closed : Next::nothing;
}

bool EventQueue::overflowed() {
  const MutexLock lock(mutex_);
  return overflowed_;
}

void EventQueue::shut() {
  const MutexLock lock(mutex_);
  open_ = false;
  frames_ = {};
}

EventConnection::EventConnection(Lane& lane, tcp::socket socket, Start start)
    : lane_(lane),
      socket_(std::move(socket)),
      start_(std::move(start)),
      last_sent_(std::chrono::steady_clock::now()) {}

void EventConnection::begin(const EventStream& stream) {
  queue_ = std::make_shared<EventQueue>(lane_.io(), weak_from_this(), lane_.site().options.max_event_bytes);
  lane_.join(*this);
  if (lane_.stopping()) return end();
  watch_client();
  try {
    subscription_ = stream(queue_);
  } catch (...) {
    end();
    throw;
  }
}

void EventConnection::pump() {
  if (ended_) return;
  if (queue_->overflowed()) return drop();
  if (blocked_) return;
  while (!rest_.empty() || next_batch()) {
    switch (send_now(socket_.native_handle(), rest_)) {
      case Sent::all:
        last_sent_ = std::chrono::steady_clock::now();
        break;
      case Sent::blocked:
        return await_room();
      case Sent::failed:
        return end();
    }
  }
}

bool EventConnection::next_batch() {
  batch_.clear();
  sent_bytes_ += batch_bytes_;
  const auto next = queue_->take(std::exchange(batch_bytes_, 0), batch_);
  if (next == EventQueue::Next::closed) end();
  if (next != EventQueue::Next::frames) return false;
  pieces_.clear();
  for (const auto& frames : batch_) {
    pieces_.push_back(piece(*frames));
    batch_bytes_ += frames->size();
  }
  rest_ = pieces_;
  return true;
}

void EventConnection::await_room() {
  if (!blocked_) last_sent_ = std::chrono::steady_clock::now();
  blocked_ = true;
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const error_code& failed) {
    self->blocked_ = false;
    if (!failed) self->pump();
  });
}

// A listener that reads too slowly. The kernel drops what it holds for it, too.
void EventConnection::drop() {
  error_code ignored;
  (void)socket_.set_option(tcp::socket::linger(true, 0), ignored);
  end();
}

// A listener has nothing to say; that it becomes readable means, mostly, that it has gone.
void EventConnection::watch_client() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& failed) {
    if (!failed && !self->ended_) self->read_away();
  });
}

void EventConnection::read_away() {
  std::array<char, 512> scratch;
  const auto came = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
  const bool gone = came == 0 || (came < 0 && errno != EAGAIN && errno != EINTR);
  if (gone) return end();
  watch_client();
}

void EventConnection::sweep(Instant now) {
  static const auto kHeartbeat = std::make_shared<const std::string>(": \n\n");
  const auto& options = lane_.site().options;
  if (blocked_ && now - last_sent_ > options.body_timeout) return drop();
  if (!blocked_ && now - last_sent_ >= options.heartbeat) queue_->send(kHeartbeat);
}

void EventConnection::end() {
  if (ended_) return;
  ended_ = true;
  queue_->shut();
  error_code ignored;
  (void)socket_.close(ignored);
  lane_.leave(*this);
  // Both are other people's code, so last, and what they see is whole.
  const auto subscription = std::move(subscription_);
  const auto took = std::chrono::steady_clock::now() - start_.began;
  if (lane_.site().told)
    lane_.site().told({start_.request, start_.pattern, start_.status, sent_bytes_, took, {}});
}

}  // namespace loom::http
