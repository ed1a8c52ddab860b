#include "http/calling/timed_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <memory>

namespace loom::http {

using boost::system::error_code;

namespace {

error_code last_error() {
  return {errno, boost::system::system_category()};
}

// Waits for `events` on the socket; says error::timed_out or error::operation_aborted instead.
void wait_for(int fd, short events, Instant until, const std::stop_token& stop, error_code& failed) {
  Fd wake;
  if (stop.stop_possible()) wake = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const auto stopped = [&wake] { ::eventfd_write(wake.get(), 1); };
  const std::stop_callback callback(stop, stopped);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    std::array<pollfd, 2> ready{pollfd{fd, events, 0},
                                pollfd{wake.get(), POLLIN, 0}};  // a negative fd is skipped
    const auto most = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 3'600'000);
    const int found = ::poll(ready.data(), ready.size(), static_cast<int>(most));
    if (found < 0 && errno == EINTR) continue;
    if (found < 0) return failed = last_error(), void();
    if (stop.stop_requested()) return failed = boost::asio::error::operation_aborted, void();
    if (found > 0) return;
    if (left.count() <= 3'600'000) return failed = boost::asio::error::timed_out, void();
  }
}

Result<Fd> connect_to(const addrinfo& at, Deadline deadline) {
  Fd fd(::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at.ai_protocol));
  if (!fd) return error(Code::unavailable, "{}", last_error().message());
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd.get(), at.ai_addr, at.ai_addrlen) == 0) return fd;
  if (errno != EINPROGRESS) return error(Code::unavailable, "{}", last_error().message());
  error_code failed;
  wait_for(fd.get(), POLLOUT, deadline.when(), {}, failed);
  if (failed == boost::asio::error::timed_out) return error(Code::timed_out, "no answer in time");
  int why = 0;
  socklen_t size = sizeof why;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &why, &size);
  if (why != 0)
    return error(Code::unavailable, "{}", error_code(why, boost::system::system_category()).message());
  return fd;
}

}  // namespace

Result<TimedSocket> TimedSocket::connect(const std::string& host, const std::string& port,
                                         Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (failed != 0) return error(Code::unavailable, "{}", ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  Error last{Code::unavailable, "it has no address"};
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    auto fd = connect_to(*at, deadline);
    if (fd) return TimedSocket(*std::move(fd));
    last = fd.error();
  }
  return last;
}

Status TimedSocket::encrypt(const std::string& host, Deadline deadline) {
  limit(std::chrono::hours(1), deadline, {});
  LOOM_TRY(tls_, Tls::begin(*this, host));
  return ok();
}

void TimedSocket::limit(Duration quiet, Deadline deadline, std::stop_token stop) {
  quiet_ = quiet;
  deadline_ = deadline;
  stop_ = std::move(stop);
}

void TimedSocket::wait(short events, error_code& failed) const {
  wait_for(fd_.get(), events, std::min(std::chrono::steady_clock::now() + quiet_, deadline_.when()), stop_,
           failed);
}

std::size_t TimedSocket::receive(boost::asio::mutable_buffer into, error_code& failed) {
  failed = {};
  for (;;) {
    const auto came = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (came > 0) return static_cast<std::size_t>(came);
    if (came == 0) return failed = boost::asio::error::eof, 0;
    if (errno != EAGAIN && errno != EINTR) return failed = last_error(), 0;
    wait(POLLIN, failed);
    if (failed) return 0;
  }
}

void TimedSocket::send(std::string_view bytes, error_code& failed) {
  failed = {};
  while (!bytes.empty()) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return failed = last_error(), void();
    wait(POLLOUT, failed);
    if (failed) return;
  }
}

}  // namespace loom::http
