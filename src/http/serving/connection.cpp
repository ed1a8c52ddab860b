#include "http/serving/connection.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>

#include "http/problem.hpp"
#include "http/url.hpp"

namespace loom::http {

using boost::asio::ip::tcp;
using boost::beast::http::verb;
using boost::system::error_code;
using parse_error = boost::beast::http::error;

namespace {

constexpr std::uint64_t kMostDrained = 64U << 10U;  // of a body that nobody read
constexpr std::size_t kMostLingered = 1U << 20U;
constexpr std::chrono::seconds kLinger{2};

Response malformed(const error_code& why) {
  if (why == parse_error::bad_version) {
    return problem(505, "invalid_argument", "this server speaks HTTP/1.0 and HTTP/1.1");
  }
  return problem(400, "invalid_argument", "the request is no valid HTTP: " + why.message());
}

}  // namespace

Connection::Connection(Lane& lane, tcp::socket socket)
    : lane_(lane),
      socket_(std::move(socket)),
      input_(lane.site().options.header_bytes.most),
      began_(std::chrono::steady_clock::now()) {
  error_code gone;
  request_.peer = socket_.remote_endpoint(gone).address().to_string();
  request_.body = this;
  lane_.join(*this);
}

Connection::~Connection() {
  lane_.leave(*this);
}

void Connection::sweep(Instant now) {
  if (now < deadline_) return;
  timed_out_ = true;
  wait_no_more();
  error_code ignored;
  (void)socket_.cancel(ignored);  // whoever waits is woken and sees timed_out_
}

void Connection::stop() {
  closing_ = true;
  if (idle_) cut();
}

void Connection::cut() {
  closing_ = cut_ = true;
  if (!idle_) cancelling_->emit(boost::asio::cancellation_type::terminal);
  error_code ignored;
  (void)socket_.close(ignored);
}

boost::asio::awaitable<void> Connection::serve(std::shared_ptr<Connection> self) {
  // Only what a handler awaits throws when the connection is cut; here a socket that is closed says enough.
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  begin_request();
  while (!closing_) {
    Head head = take_head();
    if (head == Head::more) {
      error_code failed;
      wait_for_head();
      const auto came = co_await socket_.async_read_some(
          input_.space(), boost::asio::redirect_error(boost::asio::use_awaitable, failed));
      wait_no_more();
      input_.commit(came);
      if (!failed) continue;
      if (!head_timed_out()) co_return;
      head = Head::refused;
    }
    Answer answer;
    if (head == Head::refused) {
      answer.response = std::move(*refusal_);
    } else {
      co_await boost::asio::this_coro::throw_if_cancelled(true);
      try {
        answer.response = co_await route_->handler(request_);
      } catch (const std::exception& thrown) {
        failure_ = thrown.what();
      } catch (...) {
        failure_ = "an exception of unknown type";
      }
      co_await boost::asio::this_coro::throw_if_cancelled(false);
      if (cut_ && !failure_.empty()) {  // nobody reads it; it is for the log
        failure_.clear();
        answer.response = problem(503, "unavailable", "the server is stopping");
      }
      if (!failure_.empty())
        answer.response = problem(500, "internal", "the server failed to answer; see its log");
    }
    settle_body();
    if (std::holds_alternative<EventStream>(answer.response.body) && !head_only()) {
      co_await become_stream(answer);
      co_return;
    }
    Sent sent = reply_now(answer);
    if (sent == Sent::blocked && !co_await reply(answer)) sent = Sent::failed;
    tell(answer);
    if (sent == Sent::failed) co_return;
    if (!closing_ && body_waits()) co_await drain();
    served_any_ = true;
    if (!closing_) begin_request();
  }
  if (lingering_ && socket_.is_open()) co_await linger();
}

boost::asio::awaitable<void> Connection::refuse(std::shared_ptr<Connection> self) {
  closing_ = true;
  Answer answer;
  answer.response = problem(503, "unavailable", "the server has too many connections; try again later");
  answer.response.headers.emplace_back("Retry-After", "1");
  request_.id = lane_.ids().next();
  if (reply_now(answer) == Sent::all) co_await linger();
}

void Connection::begin_request() {
  request_.method = verb::unknown;
  request_.path.clear();
  request_.target.clear();
  request_.query.clear();
  request_.headers.clear();
  request_.id.clear();
  request_.captures.clear();
  parser_.emplace(request_);
  parser_->header_limit(static_cast<std::uint32_t>(lane_.site().options.header_bytes.most + 1));
  head_bytes_ = 0;
  route_ = nullptr;
  refusal_.reset();
  body_error_.reset();
  failure_.clear();
  continued_ = false;
  idle_ = true;
}

Connection::Head Connection::take_head() {
  if (input_.empty()) return Head::more;
  if (idle_) {
    idle_ = false;
    began_ = std::chrono::steady_clock::now();
  }
  error_code failed;
  const auto used = parser_->put(input_.data(), failed);
  input_.consume(used);
  head_bytes_ += used;
  const Limit& limit = lane_.site().options.header_bytes;
  const bool incomplete = failed == parse_error::need_more || (!failed && !parser_->is_header_done());
  // Beast counts only what one call sees, so that fields sent one by one would never come to its limit.
  if (failed == parse_error::header_limit || limit.passed_by(head_bytes_) ||
      (incomplete && head_bytes_ + input_.size() >= limit.most)) {
    closing_ = lingering_ = true;
    return refuse_head(problem(431, "too_large",
                               fmt::format("the request's header is too long; at most {} bytes are taken{}",
                                           limit.most, limit.way_out())));
  }
  if (incomplete) return Head::more;
  if (failed) {
    closing_ = lingering_ = true;
    return refuse_head(malformed(failed));
  }
  return understand_head();
}

Connection::Head Connection::understand_head() {
  parser_->eager(true);
  if (request_.id.empty()) request_.id = lane_.ids().next();
  if (!parser_->keep_alive() || lane_.stopping()) closing_ = true;
  if (request_.method == verb::unknown) {
    return refuse_head(problem(501, "invalid_argument", "this server does not know the request's method"));
  }
  return find_route();
}

Connection::Head Connection::find_route() {
  const auto bad = [this](const Error& why) {
    return refuse_head(problem(400, name(why.code), why.message));
  };
  const auto target = split_target(request_.target);
  if (!target) return bad(target.error());
  const auto segments = split_path(target->path);
  if (!segments) return bad(segments.error());
  if (segments->decoded.empty()) {
    request_.path = target->path;
  } else {
    request_.path = *percent_decode(target->path, Plus::stays);
  }
  auto query = parse_query(target->query);
  if (!query) return bad(query.error());
  request_.query = *std::move(query);
  auto match = lane_.site().router.find(request_.method, segments->names);
  if (match.route == nullptr && !match.allowed.empty()) {
    auto refusal =
        problem(405, "invalid_argument", "this method is not allowed here; allowed: " + match.allowed);
    refusal.headers.emplace_back("Allow", match.allowed);
    return refuse_head(std::move(refusal));
  }
  route_ = match.route != nullptr ? match.route : &lane_.site().fallback;
  request_.captures = std::move(match.captures);
  const Limit& limit = route_->most_bytes;
  parser_->limit_chunks(limit);
  const auto length = parser_->content_length();
  request_.announced_bytes.reset();
  if (length) request_.announced_bytes = *length;
  if (!length || !limit.passed_by(*length)) return Head::ready;
  return refuse_head(problem(413, "too_large",
                             fmt::format("the body has {} bytes; at most {} are taken here{}", *length,
                                         limit.most, limit.way_out())));
}

Connection::Head Connection::refuse_head(Response why) {
  if (request_.id.empty()) request_.id = lane_.ids().next();
  refusal_ = std::move(why);
  return Head::refused;
}

void Connection::wait_for_head() {
  const auto& options = lane_.site().options;
  wait_until(began_ + (idle_ && served_any_ ? options.idle_timeout : options.head_timeout));
}

bool Connection::head_timed_out() {
  if (!timed_out_ || idle_ || !socket_.is_open()) return false;
  closing_ = true;
  refuse_head(problem(408, "timed_out", "the request's header did not come in time"));
  return true;
}

// Decides, before the reply's head is written, whether the connection can go on after it.
void Connection::settle_body() {
  if (!body_waits()) return;
  const auto left = parser_->content_length_remaining();
  const bool never_asked_for = parser_->expects_continue() && !continued_;
  if (body_error_ || never_asked_for || (left && *left > kMostDrained)) closing_ = lingering_ = true;
}

boost::asio::awaitable<void> Connection::drain() {
  std::vector<char> scratch(8U << 10U);
  std::uint64_t drained = 0;
  while (body_waits() && !closing_) {
    const auto came = co_await read_some(scratch);
    if (came) drained += *came;
    if (!came || drained > kMostDrained) closing_ = lingering_ = true;
  }
}

// Closing at once would reset the connection, and the client could lose the reply it has not read yet.
boost::asio::awaitable<void> Connection::linger() {
  error_code failed;
  (void)socket_.shutdown(tcp::socket::shutdown_send, failed);
  idle_ = true;
  wait_at_most(kLinger);
  std::vector<char> scratch(8U << 10U);
  std::size_t lingered = 0;
  while (!failed && lingered < kMostLingered) {
    lingered += co_await socket_.async_read_some(
        boost::asio::buffer(scratch), boost::asio::redirect_error(boost::asio::use_awaitable, failed));
  }
}

}  // namespace loom::http
