#include "http/client.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <optional>

#include "base/number.hpp"
#include "http/calling/event_parser.hpp"
#include "http/calling/timed_socket.hpp"
#include "http/serving/head_writer.hpp"

namespace loom::http {

namespace beast = boost::beast;
using beast::http::verb;
using boost::system::error_code;

namespace {

constexpr std::size_t kPiece = 64U << 10U;
constexpr std::size_t kMostEventBytes = 16U << 20U;
using Parser = beast::http::response_parser<beast::http::buffer_body>;

struct Place {
  std::string scheme;  // "http" or "https"
  std::string host;
  std::string port;
  std::string authority;  // as in the URL
  std::string path;       // below which the server lies; empty, or "/PATH"
  [[nodiscard]] std::string url() const { return scheme + "://" + authority + path; }
};

Result<Place> parse_url(std::string_view url) {
  const auto bad = [&] {
    return error(Code::invalid_argument, "'{}' is no server's URL; try http://HOST:PORT or https://HOST",
                 url);
  };
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return bad();
  Place place;
  place.scheme = url.substr(0, colon);
  if (place.scheme != "http" && place.scheme != "https") return bad();
  place.port = place.scheme == "https" ? "443" : "80";
  auto rest = url.substr(colon + 3);
  const auto slash = std::min(rest.find('/'), rest.size());
  place.path = rest.substr(slash);
  while (place.path.ends_with('/')) place.path.pop_back();
  if (place.path.find_first_of("?#@ \r\n\t") != std::string::npos) return bad();
  rest = rest.substr(0, slash);
  place.authority = rest;
  const auto host_end = rest.starts_with('[') ? rest.find(']') : std::min(rest.find(':'), rest.size());
  if (host_end == std::string_view::npos) return bad();
  const bool bracketed = rest.starts_with('[');
  place.host = bracketed ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  rest.remove_prefix(host_end + (bracketed ? 1 : 0));
  if (rest.starts_with(':')) {
    place.port = rest.substr(1);
    if (number_of<std::uint16_t>(place.port).value_or(0) == 0) return bad();
  } else if (!rest.empty()) {
    return bad();
  }
  if (place.host.empty() || place.host.find_first_of("/?#@ \r\n\t") != std::string::npos) return bad();
  return place;
}

bool idempotent(verb method) {
  return method == verb::get || method == verb::head || method == verb::put || method == verb::delete_;
}

}  // namespace

struct Client::Inside {
  Place place;
  std::string url;
  ClientOptions options;
  TimedSocket socket;
  beast::flat_buffer buffer;
  bool used = false;  // the connection has served a request

  struct Call {
    verb method;
    std::string_view target;
    const Pairs& headers;
    Upload upload;
    const Sink& sink;
    Deadline deadline;
  };

  Status reach(Deadline deadline) {
    buffer.clear();
    used = false;
    const auto until = std::min(Deadline::in(options.connect_timeout).when(), deadline.when());
    auto reached = TimedSocket::connect(place.host, place.port, Deadline::at(until));
    if (!reached) {
      return error(reached.error().code, "cannot reach {}: {}; is the server running?", url,
                   reached.error().message);
    }
    socket = *std::move(reached);
    if (place.scheme == "http") return ok();
    const Status proved = socket.encrypt(place.host, Deadline::at(until));
    if (proved) return ok();
    socket.close();
    return error(proved.error().code, "cannot talk to {}: {}", url, proved.error().message);
  }

  Error broken(const error_code& why) const {
    if (why == boost::asio::error::timed_out) return error(Code::timed_out, "{} did not answer in time", url);
    if (why == boost::asio::error::operation_aborted) return error(Code::cancelled, "stopped");
    if (why.category() == make_error_code(beast::http::error::bad_version).category() &&
        why != beast::http::error::end_of_stream && why != beast::http::error::partial_message) {
      return error(Code::corrupt, "{} does not answer as an HTTP server: {}", url, why.message());
    }
    return error(Code::unavailable, "the connection to {} was cut: {}", url, why.message());
  }

  std::string head_of(const Call& call) const {
    const auto method = beast::http::to_string(call.method);
    std::string head(method.data(), method.size());
    head += ' ';
    head += place.path;
    head += call.target;
    head += " HTTP/1.1\r\n";
    append_field(head, "Host", place.authority);
    for (const auto& [name, value] : call.headers) append_field(head, name, value);
    return head;
  }

  // A write that fails may mean that the server has answered already: the reply decides then.
  Status write(const Call& call, error_code& failed) {
    std::string head = head_of(call);
    if (const auto* text = std::get_if<std::string>(&call.upload)) {
      const bool has_body = !text->empty() || call.method == verb::post || call.method == verb::put;
      if (has_body) append_number_field(head, "Content-Length", text->size());
      head += "\r\n";
      socket.write(head, failed);
      if (!failed) socket.write(*text, failed);
      return ok();
    }
    return write_source(*std::get<std::unique_ptr<BodySource>>(call.upload), std::move(head), failed);
  }

  Status write_source(BodySource& source, std::string head, error_code& failed) {
    const auto size = source.size();
    if (size) {
      append_number_field(head, "Content-Length", *size);
    } else {
      append_field(head, "Transfer-Encoding", "chunked");
    }
    head += "\r\n";
    socket.write(head, failed);
    std::string block(kPiece, '\0');
    std::uint64_t sent = 0;
    while (!failed && (!size || sent < *size)) {
      LOOM_TRY(const std::size_t got, source.read(block));
      if (size && (got == 0 || got > *size - sent)) {
        return error(Code::conflict, "what is sent changed its size meanwhile; try again");
      }
      sent += got;
      const std::string_view bytes(block.data(), got);
      socket.write(size ? std::string(bytes) : fmt::format("{:x}\r\n{}\r\n", got, bytes), failed);
      if (got == 0) break;
    }
    return ok();
  }

  // The head of the final reply; 1xx replies are passed over.
  void read_head(std::optional<Parser>& parser, verb method, error_code& failed) {
    do {
      parser.emplace();
      parser->body_limit(boost::none);
      parser->skip(method == verb::head);
      beast::http::read_header(socket, buffer, *parser, failed);
    } while (!failed && parser->get().result_int() / 100 == 1);
  }

  // The next bytes of the body; empty at the end.
  std::string_view read_piece(Parser& parser, std::string& block, error_code& failed) {
    auto& body = parser.get().body();
    failed = {};
    while (!parser.is_done()) {
      body.data = block.data();
      body.size = block.size();
      body.more = true;
      beast::http::read_some(socket, buffer, parser, failed);
      if (failed == beast::http::error::need_buffer) failed = {};
      const auto got = block.size() - body.size;
      if (failed || got > 0) return {block.data(), got};
    }
    return {};
  }

  Status read_body(Parser& parser, const Call& call, Reply& reply) {
    std::string block(kPiece, '\0');
    const bool streamed = call.sink && reply.status / 100 == 2;
    for (;;) {
      error_code failed;
      const auto piece = read_piece(parser, block, failed);
      if (failed) return broken(failed);
      if (piece.empty()) return ok();
      if (streamed) {
        LOOM_CHECKED(call.sink(piece));
      } else if (piece.size() > options.max_reply_bytes - reply.body.size()) {
        return error(Code::too_large, "the reply of {} is longer than {} bytes", url,
                     options.max_reply_bytes);
      } else {
        reply.body += piece;
      }
    }
  }

  static Reply begin_reply(const Parser& parser) {
    Reply reply;
    reply.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get().base()) {
      reply.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    return reply;
  }

  // `stale`: nothing came back on a connection that had been used before, so the server may have closed it.
  Result<Reply> exchange(const Call& call, bool& stale) {
    const bool reused = std::exchange(used, true);
    stale = false;
    socket.limit(options.quiet_timeout, call.deadline, {});
    error_code failed;
    LOOM_CHECKED(write(call, failed));
    if (failed == boost::asio::error::timed_out) return broken(failed);
    std::optional<Parser> parser;
    error_code unread;
    read_head(parser, call.method, unread);
    if (unread) {
      stale = reused && !parser->got_some() && unread != boost::asio::error::timed_out;
      return broken(failed ? failed : unread);
    }
    Reply reply = begin_reply(*parser);
    LOOM_CHECKED(read_body(*parser, call, reply));
    if (failed || !parser->keep_alive()) socket.close();
    return reply;
  }

  Result<Reply> send(const Call& call) {
    if (!socket) LOOM_CHECKED(reach(call.deadline));
    bool stale = false;
    auto reply = exchange(call, stale);
    if (!reply) socket.close();
    const bool again = stale && idempotent(call.method) && std::holds_alternative<std::string>(call.upload);
    if (reply || !again) return reply;
    LOOM_CHECKED(reach(call.deadline));
    reply = exchange(call, stale);
    if (!reply) socket.close();
    return reply;
  }
};

std::string_view Reply::header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (beast::iequals(field, name)) return value;
  }
  return {};
}

Client::Client(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;
const std::string& Client::url() const {
  return inside_->url;
}

Result<Client> Client::connect(std::string_view url, ClientOptions options) {
  LOOM_TRY(auto place, parse_url(url));
  auto inside = std::make_unique<Inside>();
  inside->url = place.url();
  inside->place = std::move(place);
  inside->options = options;
  LOOM_CHECKED(inside->reach(Deadline::never()));
  return Client(std::move(inside));
}

Result<Reply> Client::send(verb method, std::string_view target, const Pairs& headers, Upload upload,
                           const Sink& sink, Deadline deadline) {
  return inside_->send({method, target, headers, std::move(upload), sink, deadline});
}

Result<Client::Followed> Client::follow_events(std::string_view target, std::string_view last_event_id,
                                               const OnEvent& on_event, std::stop_token stop,
                                               const Pairs& headers) {
  Inside own{inside_->place, inside_->url, inside_->options, {}, {}, false};
  LOOM_CHECKED(own.reach(Deadline::never()));
  own.socket.limit(own.options.quiet_timeout, Deadline::never(), std::move(stop));
  Pairs all = headers;
  all.emplace_back("Accept", "text/event-stream");
  if (!last_event_id.empty()) all.emplace_back("Last-Event-ID", last_event_id);
  const Inside::Call call{verb::get, target, all, {}, {}, Deadline::never()};
  error_code failed;
  LOOM_CHECKED(own.write(call, failed));
  std::optional<Parser> parser;
  if (!failed) own.read_head(parser, verb::get, failed);
  if (failed) return own.broken(failed);
  Reply reply = Inside::begin_reply(*parser);
  if (reply.status != 200 || !reply.header("Content-Type").starts_with("text/event-stream")) {
    LOOM_CHECKED(own.read_body(*parser, call, reply));
    if (reply.status < 400) return error(Code::corrupt, "{}{} is no stream of events", own.url, target);
    return error(code_of_status(reply.status), "{}{} answers {}: {}", own.url, target, reply.status,
                 reply.body);
  }
  EventParser events{std::string(last_event_id)};
  std::string block(kPiece, '\0');
  for (;;) {
    const auto piece = own.read_piece(*parser, block, failed);
    if (!events.feed(piece, on_event)) return Followed::enough;
    if (failed) return own.broken(failed);
    if (piece.empty()) return Followed::server_ended;
    if (events.held_bytes() > kMostEventBytes)
      return error(Code::too_large, "an event of {} is too long", own.url);
  }
}

Code code_of_status(int status) {
  switch (status) {
    case 404:
    case 410:
      return Code::not_found;
    case 408:
    case 504:
      return Code::timed_out;
    case 409:
    case 412:
      return Code::conflict;
    case 413:
    case 431:
      return Code::too_large;
    case 429:
    case 502:
    case 503:
      return Code::unavailable;
    case 507:
      return Code::disk_full;
    default:
      return status < 500 ? Code::invalid_argument : Code::internal;
  }
}

}  // namespace loom::http
