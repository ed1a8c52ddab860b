#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace loom::http {

namespace net = boost::asio;

/// Header fields or query parameters, in the order they came. Field names are compared without regard to
/// case.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What is left to read of a request's body. One reader at a time, on the connection's io thread.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// Fills the front of `into`; how many bytes came, 0 at the end. Errors: too_large past the limit of the
  /// route, timed_out when the client is too slow, unavailable when it has gone, invalid_argument for framing
  /// that is none.
  virtual net::awaitable<Result<std::size_t>> read_some(std::span<char> into) = 0;
};

/// A request, its head parsed and its body still to be read. Lives until the handler has answered.
struct Request {
  boost::beast::http::verb method{};
  std::string path;    ///< percent-decoded, begins with '/'
  std::string target;  ///< as sent: path and query
  Pairs query;         ///< percent-decoded
  Pairs headers;
  std::string peer;  ///< address of the client, without port
  std::string id;    ///< the client's X-Request-Id if it is a plain word of at most 64 characters, or ours
  std::vector<std::string> captures;             ///< what the pattern's {names} matched, in order
  std::optional<std::uint64_t> announced_bytes;  ///< of the body, as its Content-Length has it
  BodyReader* body = nullptr;                    ///< never null in a handler

  /// The first header field of that name, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// The first query parameter of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

/// The bytes of a reply too long to hold: read(into) blocks (disk), so the server calls it on the blocking
/// pool. `size` is known in advance, or unset: then it is sent chunked.
class BodySource {
 public:
  virtual ~BodySource() = default;
  [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
  /// Fills the front of `into`; 0 at the end. An error ends the connection, so that the client sees a cut.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

/// The server's end of a text/event-stream reply. All methods from any thread; none blocks.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// Queues whole frames ("id: 7\ndata: …\n\n"). When more than the server's bound waits, the client is too
  /// slow: the connection is closed and this and later calls do nothing.
  virtual void send(std::shared_ptr<const std::string> frames) = 0;
  /// After what is queued has been sent.
  virtual void close() = 0;
};

/// Called once on the io thread when the head of the reply is out. What it returns is kept until the
/// connection ends, however it ends, and then destroyed (on any thread): so it unsubscribes in its
/// destructor.
using EventStream = std::function<std::shared_ptr<void>(std::shared_ptr<EventSink>)>;

struct Response {
  int status = 200;
  Pairs headers;  ///< without Content-Length, Date, Connection, X-Request-Id: those are the server's
  std::variant<std::string, std::shared_ptr<const std::string>, std::unique_ptr<BodySource>, EventStream>
      body;
};

/// Answers one request; must not block. By reference: the request outlives the coroutine.
using Handler = std::function<net::awaitable<Response>(Request&)>;

}  // namespace loom::http
