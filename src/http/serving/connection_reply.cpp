#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/string.hpp>
#include <iterator>

#include "base/check.hpp"
#include "http/serving/connection.hpp"
#include "http/serving/event_connection.hpp"

namespace loom::http {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kSmallestPacked = 1024;
constexpr std::size_t kMostPackedHere = 256U << 10U;  // a few ms; longer ones must not hold up the io thread
constexpr std::size_t kBlock = 64U << 10U;

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

std::string* find_field(Pairs& headers, std::string_view name) {
  for (auto& [field, value] : headers) {
    if (boost::beast::iequals(field, name)) return &value;
  }
  return nullptr;
}

}  // namespace

// The whole reply in one write when its body is at hand; Sent::blocked when reply() must go on.
Sent Connection::reply_now(Answer& answer) {
  Response& response = answer.response;
  rest_ = {};
  if (std::holds_alternative<std::unique_ptr<BodySource>>(response.body)) return Sent::blocked;
  choose_body(answer);
  if (may_pack(answer)) {
    if (answer.body.size() > kMostPackedHere) return Sent::blocked;
    pack(answer);
  }
  return send_answer(answer);
}

Sent Connection::send_answer(Answer& answer) {
  const bool none = has_no_body(answer.response.status);
  const bool stream = std::holds_alternative<EventStream>(answer.response.body);  // asked for by HEAD
  std::optional<std::uint64_t> length;
  if (!none && !stream) length = answer.body.size();
  write_head(answer.response, length, false);
  if (none || head_only()) answer.body = {};
  pieces_ = {piece(head_), piece(answer.body)};
  rest_ = pieces_;
  answer.sent_bytes = answer.body.size();
  return send_now(socket_.native_handle(), rest_);
}

boost::asio::awaitable<bool> Connection::reply(Answer& answer) {
  if (std::holds_alternative<std::unique_ptr<BodySource>>(answer.response.body)) {
    co_return co_await reply_source(answer);
  }
  if (rest_.empty()) {
    co_await pack_elsewhere(answer);
    const Sent sent = send_answer(answer);
    if (sent != Sent::blocked) co_return sent == Sent::all;
  }
  co_return co_await write_rest(rest_);
}

void Connection::choose_body(Answer& answer) {
  if (const auto* text = std::get_if<std::string>(&answer.response.body)) answer.body = *text;
  if (const auto* text = std::get_if<std::shared_ptr<const std::string>>(&answer.response.body)) {
    answer.shared = *text;
    if (answer.shared) answer.body = *answer.shared;
  }
}

// Whether to compress; says in Vary that it depends, whichever way it goes.
bool Connection::may_pack(Answer& answer) {
  auto& headers = answer.response.headers;
  if (answer.body.size() <= kSmallestPacked || has_no_body(answer.response.status)) return false;
  const auto* type = find_field(headers, "Content-Type");
  if (type == nullptr || !compressible(*type)) return false;
  if (find_field(headers, "Content-Encoding") != nullptr || find_field(headers, "Content-Range") != nullptr) {
    return false;
  }
  headers.emplace_back("Vary", "Accept-Encoding");
  return accepts_gzip(request_.header("Accept-Encoding"));
}

void Connection::pack(Answer& answer) {
  if (answer.shared) {
    auto packed = lane_.gzip().compress_shared(answer.shared);
    if (packed) set_packed(answer, *std::move(packed));
    return;
  }
  auto packed = lane_.gzip().compress(answer.body);
  if (packed) set_packed(answer, std::make_shared<const std::string>(*std::move(packed)));
}

boost::asio::awaitable<void> Connection::pack_elsewhere(Answer& answer) {
  if (answer.shared) {
    if (auto kept = lane_.gzip().kept(answer.shared)) {
      set_packed(answer, std::move(kept));
      co_return;
    }
  }
  const auto compress = [text = answer.body]() -> Result<std::shared_ptr<const std::string>> {
    Gzip gzip;
    LOOM_TRY(auto packed, gzip.compress(text));
    return std::make_shared<const std::string>(std::move(packed));
  };
  auto packed = co_await lane_.site().blocking.run(compress);
  if (!packed) co_return;  // then it goes as it is
  if (answer.shared) lane_.gzip().keep(answer.shared, *packed);
  set_packed(answer, *std::move(packed));
}

void Connection::set_packed(Answer& answer, std::shared_ptr<const std::string> packed) {
  answer.shared = std::move(packed);
  answer.body = *answer.shared;
  auto& headers = answer.response.headers;
  headers.emplace_back("Content-Encoding", "gzip");
  // The same thing in other bytes: only a weak tag may be shared by both (RFC 9110, 8.8.1).
  if (auto* tag = find_field(headers, "ETag"); tag != nullptr && !tag->starts_with("W/"))
    tag->insert(0, "W/");
}

void Connection::write_head(const Response& response, std::optional<std::uint64_t> length, bool chunked) {
  head_.clear();
  append_status_line(head_, response.status);
  for (const auto& [field, value] : response.headers) append_field(head_, field, value);
  if (length) append_number_field(head_, "Content-Length", *length);
  if (chunked) head_ += "Transfer-Encoding: chunked\r\n";
  head_ += lane_.date().get();
  head_ += "X-Request-Id: ";
  head_ += request_.id;
  if (closing_) {
    head_ += "\r\nConnection: close\r\n\r\n";
  } else if (parser_ && !parser_->http11()) {
    head_ += "\r\nConnection: keep-alive\r\n\r\n";
  } else {
    head_ += "\r\n\r\n";
  }
}

boost::asio::awaitable<bool> Connection::write(std::span<iovec> pieces) {
  const Sent sent = send_now(socket_.native_handle(), pieces);
  if (sent != Sent::blocked) co_return sent == Sent::all;
  co_return co_await write_rest(pieces);
}

boost::asio::awaitable<bool> Connection::write_rest(std::span<iovec> rest) {
  Sent sent = Sent::blocked;
  while (sent == Sent::blocked) {
    error_code failed;
    wait_at_most(lane_.site().options.body_timeout);
    co_await socket_.async_wait(tcp::socket::wait_write,
                                boost::asio::redirect_error(boost::asio::use_awaitable, failed));
    wait_no_more();
    if (failed) co_return false;
    sent = send_now(socket_.native_handle(), rest);
  }
  co_return sent == Sent::all;
}

boost::asio::awaitable<bool> Connection::reply_source(Answer& answer) {
  const auto source = std::move(std::get<std::unique_ptr<BodySource>>(answer.response.body));
  LOOM_CHECK(source, "a reply's source is there");
  const auto size = source->size();
  const bool none = has_no_body(answer.response.status);
  const bool chunked = !none && !size && parser_->http11();
  if (!none && !size && !chunked) closing_ = true;  // HTTP/1.0: the end of the connection ends the body
  std::optional<std::uint64_t> length;
  if (!none) length = size;
  write_head(answer.response, length, chunked);
  if (none || head_only() || size == 0U) {
    std::array<iovec, 1> pieces{piece(head_)};
    co_return co_await write(pieces);
  }
  co_return co_await write_source(*source, size, answer);
}

boost::asio::awaitable<bool> Connection::write_source(BodySource& source, std::optional<std::uint64_t> size,
                                                      Answer& answer) {
  const bool chunked = !size && parser_->http11();
  std::vector<char> block(kBlock);
  std::string frame = head_;  // before the block: the reply's head, the chunk's head
  for (;;) {
    const auto read = [&source, &block] { return source.read(block); };
    const auto got = co_await lane_.site().blocking.run(read);
    if (!got) co_return false;
    if (size && (*got == 0 || *got > *size - answer.sent_bytes)) co_return false;  // not the size it said
    answer.sent_bytes += *got;
    if (chunked) fmt::format_to(std::back_inserter(frame), "{:x}\r\n", *got);
    std::array<iovec, 3> pieces{piece(frame), piece({block.data(), *got}), piece(chunked ? "\r\n" : "")};
    if (!co_await write(pieces)) co_return false;
    if (*got == 0 || size == answer.sent_bytes) co_return true;
    frame.clear();
  }
}

boost::asio::awaitable<void> Connection::become_stream(Answer& answer) {
  closing_ =
      true;  // no framing, so that listeners can share the text: the end of the connection ends the stream
  auto& headers = answer.response.headers;
  if (find_field(headers, "Content-Type") == nullptr)
    headers.emplace_back("Content-Type", "text/event-stream");
  if (find_field(headers, "Cache-Control") == nullptr) headers.emplace_back("Cache-Control", "no-cache");
  write_head(answer.response, std::nullopt, false);
  std::array<iovec, 1> pieces{piece(head_)};
  if (!co_await write(pieces)) {
    tell(answer);
    co_return;
  }
  EventConnection::Start start{std::move(request_), route_->pattern, answer.response.status, began_};
  start.request.body = nullptr;
  auto stream = std::make_shared<EventConnection>(lane_, std::move(socket_), std::move(start));
  stream->begin(std::get<EventStream>(answer.response.body));
}

void Connection::tell(const Answer& answer) {
  const auto now = std::chrono::steady_clock::now();
  const auto took = now - began_;
  began_ = now;
  if (!lane_.site().told) return;
  const std::string_view pattern = route_ != nullptr ? std::string_view(route_->pattern) : std::string_view();
  // A body says so of nothing but its client. Whatever the handler made of it, the server did not fail.
  const bool gone = body_error_ && body_error_->code == Code::unavailable;
  const int status = gone ? kClientGone : answer.response.status;
  lane_.site().told(Exchange{request_, pattern, status, answer.sent_bytes, took, failure_});
}

}  // namespace loom::http
