#include "http/serving/lane.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>

#include "http/serving/connection.hpp"

namespace loom::http {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kSweepEvery{1};
constexpr std::chrono::milliseconds kPauseAfterFailure{100};
constexpr std::size_t kMostRefusals = 64;  // told so at once; past that they are closed without a word

Error cannot_listen(const error_code& why, const tcp::endpoint& at) {
  const auto place = fmt::format("{}:{}", at.address().to_string(), at.port());
  if (why == boost::asio::error::address_in_use) {
    return error(Code::conflict, "cannot listen on {}: the address is in use; choose another port", place);
  }
  const Code code = why == boost::asio::error::access_denied || why.value() == EADDRNOTAVAIL
                        ? Code::invalid_argument
                        : Code::unavailable;
  return error(code, "cannot listen on {}: {}", place, why.message());
}

}  // namespace

Status Lane::listen(const tcp::endpoint& at, bool shared) {
  using reuse_port = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  error_code failed;
  (void)acceptor_.open(at.protocol(), failed);
  if (!failed) (void)acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed && shared) (void)acceptor_.set_option(reuse_port(true), failed);
  if (!failed) (void)acceptor_.bind(at, failed);
  if (!failed) (void)acceptor_.listen(boost::asio::socket_base::max_listen_connections, failed);
  if (failed) return cannot_listen(failed, at);
  port_ = acceptor_.local_endpoint().port();
  return ok();
}

void Lane::run() {
  boost::asio::co_spawn(io_, accept(), boost::asio::detached);
  sweep_later();
  for (;;) {
    try {
      io_.run();
      site_.blocking.settle();
      return;
    } catch (
        const std::exception& thrown) {  // by a subscriber's or observer's code: the others are served on
      fmt::print(stderr, "http: {}\n", thrown.what());
    }
  }
}

boost::asio::awaitable<void> Lane::accept() {
  while (!stopping_) {
    error_code failed;
    auto wait = boost::asio::redirect_error(boost::asio::use_awaitable, failed);
    tcp::socket socket = co_await acceptor_.async_accept(wait);
    if (!failed) {
      admit(std::move(socket));
    } else if (!stopping_ && failed != boost::asio::error::connection_aborted) {
      pause_.expires_after(kPauseAfterFailure);  // no descriptors left: trying at once would only spin
      co_await pause_.async_wait(wait);
    }
  }
}

void Lane::admit(tcp::socket socket) {
  const auto most = site_.options.max_connections;
  const auto open = site_.open.load(std::memory_order_relaxed);
  if (open >= most + kMostRefusals) return;
  error_code ignored;
  (void)socket.set_option(tcp::no_delay(true), ignored);
  auto connection = std::make_shared<Connection>(*this, std::move(socket));
  auto life = open < most ? connection->serve(connection) : connection->refuse(connection);
  // The end of the connection may come before that of its coroutine: so this keeps the signal.
  auto ended = [cancelling = connection->cancelling()](const std::exception_ptr& /*thrown*/) {};
  const auto slot = connection->cancelling()->slot();
  boost::asio::co_spawn(io_, std::move(life), boost::asio::bind_cancellation_slot(slot, std::move(ended)));
}

void Lane::join(Peer& peer) {
  peer.place_ = peers_.size();
  peers_.push_back(&peer);
  site_.open.fetch_add(1, std::memory_order_relaxed);
}

void Lane::leave(Peer& peer) {
  peers_.back()->place_ = peer.place_;
  peers_[peer.place_] = peers_.back();
  peers_.pop_back();
  site_.open.fetch_sub(1, std::memory_order_relaxed);
  if (stopping_ && peers_.empty()) {
    sweeper_.cancel();
    grace_.cancel();
  }
}

void Lane::sweep_later() {
  sweeper_.expires_after(kSweepEvery);
  sweeper_.async_wait([this](const error_code& ended) {
    if (ended || (stopping_ && peers_.empty())) return;
    const auto now = std::chrono::steady_clock::now();
    // From the back, because the peer at hand may leave: the last one then takes its place.
    for (std::size_t i = peers_.size(); i-- > 0;) peers_[i]->sweep(now);
    sweep_later();
  });
}

void Lane::post_stop(std::chrono::milliseconds grace) {
  boost::asio::post(io_, [this, grace] { stop(grace); });
}

void Lane::stop(std::chrono::milliseconds grace) {
  if (stopping_) return;
  stopping_ = true;
  error_code ignored;
  (void)acceptor_.close(ignored);
  pause_.cancel();
  for (std::size_t i = peers_.size(); i-- > 0;) peers_[i]->stop();
  if (peers_.empty()) {
    sweeper_.cancel();
    return;
  }
  grace_.expires_after(grace);
  grace_.async_wait([this](const error_code& ended) {
    if (!ended) cut_all();
  });
}

void Lane::cut_all() {
  for (std::size_t i = peers_.size(); i-- > 0;) peers_[i]->cut();
}

}  // namespace loom::http
