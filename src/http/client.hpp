#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace loom::http {

struct ClientOptions {
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds quiet_timeout{60};      ///< without a byte either way
  std::uint64_t max_reply_bytes = 64U << 20U;  ///< of a reply that is not streamed
};

/// What a server answered, whatever its status.
struct Reply {
  int status = 0;
  Pairs headers;
  std::string body;  ///< empty when it was streamed

  /// The first header field of that name, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// What to send with a request: text, or a source, which is read once.
using Upload = std::variant<std::string, std::unique_ptr<BodySource>>;

/// A blocking HTTP/1.1 client of one server, with TLS or without, for the command line. Keeps its connection
/// for the next request; when the server has closed it meanwhile, an idempotent request with a body of text
/// is sent once more. Move-only; one thread at a time. Errors common to all calls: unavailable (cannot reach,
/// or cut), timed_out, corrupt (no HTTP came back).
class Client {
 public:
  /// Connects at once. `url` is "http://HOST[:PORT][/PATH]" or with https, HOST may be an IPv6 address in
  /// brackets; else invalid_argument. All targets lie below PATH, where a proxy may have put the server.
  /// Also: forbidden, when an https server does not prove to be HOST (see Tls).
  static Result<Client> connect(std::string_view url, ClientOptions options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Called with the bytes of a reply as they come; an error ends the call with it.
  using Sink = std::function<Status(std::string_view)>;
  /// `target` is path and query, encoded. With a `sink` the body of a 2xx reply goes there; every other body
  /// comes back in the Reply, so that a problem can be read. Also: too_large; whatever `upload` or `sink`
  /// say.
  Result<Reply> send(boost::beast::http::verb verb, std::string_view target, const Pairs& headers = {},
                     Upload upload = {}, const Sink& sink = {}, Deadline deadline = Deadline::never());

  /// Gives back whether to go on. `event` is "message" when the server names none.
  using OnEvent = std::function<bool(std::string_view id, std::string_view event, std::string_view data)>;
  enum class Followed {
    enough,
    server_ended
  };  ///< the callback said so; the stream ended: follow again from the last id
  /// Reads an event stream on a connection of its own. Also: cancelled, when asked to stop; for a reply that
  /// is no event stream, what its status means, with the problem's text.
  Result<Followed> follow_events(std::string_view target, std::string_view last_event_id,
                                 const OnEvent& on_event, std::stop_token stop, const Pairs& headers = {});

  /// As given, without a slash at its end; for messages.
  [[nodiscard]] const std::string& url() const;

 private:
  struct Inside;
  explicit Client(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

/// What a status of 400 and above means to us. 502 to 504 and 429 are retryable.
Code code_of_status(int status);

}  // namespace loom::http
