#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <vector>

#include "async/blocking_pool.hpp"
#include "base/clock.hpp"
#include "http/server.hpp"
#include "http/serving/gzip.hpp"
#include "http/serving/head_writer.hpp"
#include "http/serving/router.hpp"

namespace loom::http {

/// What all lanes share. Immutable while they run, but for `open`.
struct Site {
  ServerOptions options;
  Router router;
  Route fallback;
  async::BlockingPool& blocking;
  std::function<void(const Exchange&)> told;
  std::atomic<std::size_t> open{0};  ///< connections
};

/// An open connection, as its lane sees it. All calls on the lane's thread.
class Peer {
 public:
  virtual ~Peer() = default;
  /// Once a second: gives up what has waited for too long.
  virtual void sweep(Instant now) = 0;
  /// The server stops: ends now if nothing is under way, else after the answer under way.
  virtual void stop() = 0;
  /// Ends now.
  virtual void cut() = 0;

 private:
  friend class Lane;
  std::size_t place_ = 0;  // in the lane's list
};

/// One io thread: its context, its listening socket, its connections and the sweep over them. All but
/// post_stop on that thread.
class Lane {
 public:
  explicit Lane(Site& site) : site_(site) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Binds and listens. `shared`: other lanes listen at the same place.
  Status listen(const boost::asio::ip::tcp::endpoint& at, bool shared);
  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// Serves until stopped and the last connection has ended. Blocking.
  void run();
  /// From any thread.
  void post_stop(std::chrono::milliseconds grace);

  void join(Peer& peer);
  void leave(Peer& peer);
  [[nodiscard]] bool stopping() const { return stopping_; }

  Site& site() { return site_; }
  boost::asio::io_context& io() { return io_; }
  DateLine& date() { return date_; }
  IdMaker& ids() { return ids_; }
  Gzip& gzip() { return gzip_; }

 private:
  boost::asio::awaitable<void> accept();
  void admit(boost::asio::ip::tcp::socket socket);
  void sweep_later();
  void stop(std::chrono::milliseconds grace);
  void cut_all();

  // Before the context: connections left in it leave the list when it dies.
  Site& site_;
  std::vector<Peer*> peers_;
  bool stopping_ = false;
  std::uint16_t port_ = 0;
  DateLine date_;
  IdMaker ids_;
  Gzip gzip_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer sweeper_{io_};
  boost::asio::steady_timer grace_{io_};
  boost::asio::steady_timer pause_{io_};
};

}  // namespace loom::http
