#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/blocking_pool.hpp"
#include "base/limit.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

namespace loom::http {

/// Of a route whose handler reads no body.
inline constexpr Limit kNoBody{64U << 10U};

struct Route {
  boost::beast::http::verb method;
  std::string pattern;  ///< "/api/jobs/{id}/cancel": a {name} matches one whole segment, not empty
  Handler handler;
  Limit most_bytes = kNoBody;  ///< of the body
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one
  std::size_t threads = 1;
  std::size_t max_connections = 10'000;     ///< past it new ones get 503 and are closed
  Limit header_bytes{16U << 10U};           ///< of a request; never 0
  std::chrono::seconds head_timeout{10};    ///< from the first byte of a request to the end of its head
  std::chrono::seconds idle_timeout{75};    ///< of a kept-alive connection
  std::chrono::seconds body_timeout{30};    ///< without any progress of the body, either way
  std::chrono::seconds heartbeat{15};       ///< a comment on silent event streams
  std::size_t max_event_bytes = 1U << 20U;  ///< waiting for one event stream
};

/// The status told of a request whose client went away while it sent the body: no reply reached it.
inline constexpr int kClientGone = 499;

/// What happened to one request, for logs and metrics.
struct Exchange {
  const Request& request;
  std::string_view pattern;                  ///< of the route, or empty
  int status;                                ///< of the reply, or kClientGone
  std::uint64_t sent_bytes;                  ///< of the body
  std::chrono::steady_clock::duration took;  ///< of an event stream: until it ended
  std::string_view failure;  ///< what the handler threw, for the log; the client is not told. Mostly empty
};

/// An HTTP/1.1 server: routes, keep-alive, limits, timeouts, gzip of compressible replies above 1 KiB that
/// ask for it (Accept-Encoding), HEAD for every GET route, event streams. It knows nothing of jobs. One
/// io_context per thread, each accepting on the same port (SO_REUSEPORT); a plain socket and one sweep a
/// second for timeouts. A path without route: the `fallback` handler; with other methods: 405 and Allow.
class Server {
 public:
  /// Binds and listens, so that port() is known; serves only after run(). Errors: conflict when the address
  /// is in use; invalid_argument when it is none.
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, std::vector<Route> routes,
                                                Handler fallback, async::BlockingPool& blocking);
  virtual ~Server() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Called on an io thread after each exchange; set before run().
  virtual void on_exchange(std::function<void(const Exchange&)> told) = 0;
  /// Serves until stop(). Blocking.
  virtual void run() = 0;
  /// From any thread: accepts no more, closes idle connections and event streams at once, lets answers under
  /// way finish for `grace`, then closes them; a handler that still awaits a timer or a socket is thrown
  /// operation_aborted there.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;
};

}  // namespace loom::http
