#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "async/blocking_pool.hpp"
#include "base/fd.hpp"
#include "http/server.hpp"

namespace loom::http {

inline std::string gunzip(std::string_view packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string text(10U << 20U, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

/// A client that sends exactly the bytes it is told to. Every wait ends after 30 s, as if the server had
/// closed.
class RawClient {
 public:
  struct Reply {
    int status = 0;  ///< 0: the connection ended first
    std::string head;
    std::string body;
    [[nodiscard]] std::string field(const std::string& name) const {
      const auto at = head.find("\r\n" + name + ": ");
      if (at == std::string::npos) return {};
      const auto begin = at + name.size() + 4;
      return head.substr(begin, head.find("\r\n", begin) - begin);
    }
  };

  /// `receive_buffer`: bytes the kernel may hold for us, 0 for its default.
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  }

  /// False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void get(const std::string& target, const std::string& fields = "") {
    send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
  }
  void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

  /// More bytes into the buffer; false at the end.
  bool receive() {
    pollfd ready{fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 30'000) != 1) return false;
    const auto old = buffer_.size();
    buffer_.resize(old + (64U << 10U));
    const auto came = ::recv(fd_.get(), buffer_.data() + old, buffer_.size() - old, 0);
    buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(came, 0)));
    return came > 0;
  }
  /// All up to and with `mark`; or what came when the connection ended.
  std::string until(std::string_view mark) {
    std::size_t from = 0;
    for (;;) {
      const auto at = buffer_.find(mark, from);
      if (at != std::string::npos) return take(at + mark.size());
      from = buffer_.size() - std::min(buffer_.size(), mark.size());
      if (!receive()) return take(buffer_.size());
    }
  }
  std::string exactly(std::size_t bytes) {
    while (buffer_.size() < bytes && receive()) {
    }
    return take(std::min(bytes, buffer_.size()));
  }
  std::string rest() {
    while (receive()) {
    }
    return take(buffer_.size());
  }
  /// Whether the server has closed and all has been read.
  bool ended() { return rest().empty(); }

  Reply head() {
    Reply reply;
    reply.head = until("\r\n\r\n");
    if (reply.head.size() > 12) reply.status = std::stoi(reply.head.substr(9, 3));
    return reply;
  }
  /// One reply with its body. `bodiless`: to HEAD.
  Reply reply(bool bodiless = false) {
    Reply got = head();
    if (bodiless || got.status == 0 || got.status == 204 || got.status == 304) return got;
    if (got.field("Transfer-Encoding") == "chunked") {
      for (;;) {
        const auto line = until("\r\n");
        const auto size = line.empty() ? 0 : std::stoul(line, nullptr, 16);
        got.body += exactly(size);
        if (until("\r\n") != "\r\n" || size == 0) return got;
      }
    }
    const auto length = got.field("Content-Length");
    got.body = length.empty() ? rest() : exactly(std::stoul(length));
    return got;
  }

 private:
  std::string take(std::size_t bytes) {
    std::string taken = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return taken;
  }
  Fd fd_;
  std::string buffer_;
};

/// A server on a free port of 127.0.0.1 that runs until it goes out of scope.
class RunningServer {
 public:
  struct Told {
    std::string id;
    std::string pattern;
    int status;
    std::uint64_t sent_bytes;
    std::string failure;
  };

  RunningServer(ServerOptions options, std::vector<Route> routes) : pool_(2) {
    const auto fallback = [](Request& request) -> net::awaitable<Response> {
      Response response;
      response.status = 404;
      response.body = "no " + request.path;
      co_return response;
    };
    auto server = Server::listen(std::move(options), std::move(routes), fallback, pool_);
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    server_->on_exchange([this](const Exchange& exchange) {
      const std::lock_guard lock(mutex_);
      told_.push_back({exchange.request.id, std::string(exchange.pattern), exchange.status,
                       exchange.sent_bytes, std::string(exchange.failure)});
    });
    thread_ = std::thread([this] { server_->run(); });
  }
  ~RunningServer() { stop(std::chrono::milliseconds(0)); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  Server& operator*() { return *server_; }
  Server* operator->() { return server_.get(); }
  /// Returns when the server has ended.
  void stop(std::chrono::milliseconds grace) {
    server_->stop(grace);
    if (thread_.joinable()) thread_.join();
  }
  std::vector<Told> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  async::BlockingPool pool_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<Told> told_;
};

/// Waits for a condition that another thread brings about; false after 30 s.
template <class Condition>
bool eventually(Condition holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace loom::http
