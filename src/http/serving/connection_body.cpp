#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>

#include "http/serving/connection.hpp"

namespace loom::http {

using boost::system::error_code;
using parse_error = boost::beast::http::error;

boost::asio::awaitable<Result<std::size_t>> Connection::read_some(std::span<char> into) {
  while (!body_error_ && body_waits() && !into.empty()) {
    if (input_.empty()) {
      const auto came = co_await fill(into);
      if (!came) co_return came.error();
      if (*came > 0) co_return *came;
      continue;
    }
    const auto taken = take_body(input_.data(), into);
    if (!taken) co_return taken.error();
    if (*taken > 0) co_return *taken;
    if (!body_waits()) break;
    const auto came = co_await fill(into);  // a piece of framing that is not whole yet
    if (!came) co_return came.error();
  }
  if (body_error_) co_return *body_error_;
  co_return 0U;
}

// Reads from the socket: a plain body straight into `into`, and says how much of it; else into input_.
boost::asio::awaitable<Result<std::size_t>> Connection::fill(std::span<char> into) {
  if (parser_->expects_continue() && !continued_) {
    continued_ = true;
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    std::array<iovec, 1> pieces{piece(kContinue)};
    if (!co_await write(pieces)) co_return body_broken(Code::unavailable, "the client has gone");
  }
  const bool straight = !parser_->chunked() && input_.empty();
  boost::asio::mutable_buffer room;
  if (straight) {
    const auto left = parser_->content_length_remaining().value_or(0);
    room = {into.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, into.size()))};
  } else if (input_.full()) {
    co_return body_broken(Code::invalid_argument, "a chunk's header or the trailer is too long");
  } else {
    room = input_.space();
  }
  error_code failed;
  wait_at_most(lane_.site().options.body_timeout);
  const auto came =
      co_await socket_.async_read_some(room, boost::asio::redirect_error(boost::asio::use_awaitable, failed));
  wait_no_more();
  if (failed && timed_out_) co_return body_broken(Code::timed_out, "the request's body stopped coming");
  if (failed) co_return body_broken(Code::unavailable, "the client has gone");
  if (straight) co_return take_body(boost::asio::const_buffer(into.data(), came), into);
  input_.commit(came);
  co_return 0U;
}

// Parses `from`, which is input_'s data or lies in `into` already; how many bytes of body that gave.
Result<std::size_t> Connection::take_body(boost::asio::const_buffer from, std::span<char> into) {
  error_code failed;
  parser_->deliver_to(into);
  const auto used = parser_->put(from, failed);
  if (from.data() != into.data()) input_.consume(used);
  if (failed == parse_error::body_limit) {
    return body_broken(Code::too_large,
                       fmt::format("the body is longer than the {} bytes that are taken here{}",
                                   route_->most_bytes.most, route_->most_bytes.way_out()));
  }
  if (failed && failed != parse_error::need_more && failed != parse_error::need_buffer) {
    return body_broken(Code::invalid_argument, "the body's chunks are no valid HTTP: " + failed.message());
  }
  return parser_->filled();
}

Error Connection::body_broken(Code code, std::string_view why) {
  body_error_ = Error{code, std::string(why)};
  closing_ = lingering_ = true;
  return *body_error_;
}

}  // namespace loom::http
