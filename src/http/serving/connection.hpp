#pragma once
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "http/server.hpp"
#include "http/serving/gathered_write.hpp"
#include "http/serving/input_buffer.hpp"
#include "http/serving/lane.hpp"
#include "http/serving/request_parser.hpp"

namespace loom::http {

/// One connection with requests and replies: a coroutine on the lane's thread, which owns it.
class Connection final : public Peer, private BodyReader {
 public:
  Connection(Lane& lane, boost::asio::ip::tcp::socket socket);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Answers requests until either side ends the connection. `self` keeps it alive.
  boost::asio::awaitable<void> serve(std::shared_ptr<Connection> self);
  /// Says 503 and closes.
  boost::asio::awaitable<void> refuse(std::shared_ptr<Connection> self);

  void sweep(Instant now) override;
  void stop() override;
  void cut() override;
  /// Of the coroutine that serves; it outlives the connection. What a handler waits for ends with cut().
  [[nodiscard]] const std::shared_ptr<boost::asio::cancellation_signal>& cancelling() const {
    return cancelling_;
  }

 private:
  enum class Head { more, ready, refused };  // refused: refusal_ says why
  struct Answer {                            // a reply, and what of its body is in memory
    Response response;
    std::string_view body;
    std::shared_ptr<const std::string> shared;  // keeps `body`
    std::uint64_t sent_bytes = 0;               // of the body
  };

  // Reading: connection.cpp
  void begin_request();
  Head take_head();
  Head understand_head();
  Head find_route();
  Head refuse_head(Response why);
  void wait_for_head();
  bool head_timed_out();
  void settle_body();
  boost::asio::awaitable<void> drain();
  boost::asio::awaitable<void> linger();

  // The body: connection_body.cpp
  boost::asio::awaitable<Result<std::size_t>> read_some(std::span<char> into) override;
  boost::asio::awaitable<Result<std::size_t>> fill(std::span<char> into);
  Result<std::size_t> take_body(boost::asio::const_buffer from, std::span<char> into);
  Error body_broken(Code code, std::string_view why);
  [[nodiscard]] bool body_waits() const {
    return parser_ && parser_->is_header_done() && !parser_->is_done();
  }

  // The reply: connection_reply.cpp
  boost::asio::awaitable<bool> reply(Answer& answer);
  Sent reply_now(Answer& answer);
  Sent send_answer(Answer& answer);
  static void choose_body(Answer& answer);
  bool may_pack(Answer& answer);
  void pack(Answer& answer);
  boost::asio::awaitable<void> pack_elsewhere(Answer& answer);
  static void set_packed(Answer& answer, std::shared_ptr<const std::string> packed);
  void write_head(const Response& response, std::optional<std::uint64_t> length, bool chunked);
  boost::asio::awaitable<bool> write(std::span<iovec> pieces);
  boost::asio::awaitable<bool> write_rest(std::span<iovec> rest);
  boost::asio::awaitable<bool> reply_source(Answer& answer);
  boost::asio::awaitable<bool> write_source(BodySource& source, std::optional<std::uint64_t> size,
                                            Answer& answer);
  boost::asio::awaitable<void> become_stream(Answer& answer);
  void tell(const Answer& answer);
  [[nodiscard]] bool head_only() const { return request_.method == boost::beast::http::verb::head; }

  void wait_at_most(Duration wait) { wait_until(std::chrono::steady_clock::now() + wait); }
  void wait_until(Instant when) {
    timed_out_ = false;
    deadline_ = when;
  }
  void wait_no_more() { deadline_ = Instant::max(); }

  Lane& lane_;
  boost::asio::ip::tcp::socket socket_;
  InputBuffer input_;
  Request request_;
  std::optional<RequestParser> parser_;
  std::size_t head_bytes_ = 0;
  const Route* route_ = nullptr;
  std::optional<Response> refusal_;
  std::optional<Error> body_error_;
  std::string head_;     // of the reply; reused
  std::string failure_;  // what the handler threw
  std::array<iovec, 2> pieces_{};
  std::span<iovec> rest_;  // of pieces_
  Instant began_;          // the request, or the wait for one
  Instant deadline_ = Instant::max();
  std::shared_ptr<boost::asio::cancellation_signal> cancelling_ =
      std::make_shared<boost::asio::cancellation_signal>();
  bool timed_out_ = false;
  bool cut_ = false;
  bool idle_ = true;  // nothing of a request has come
  bool served_any_ = false;
  bool closing_ = false;    // after this reply
  bool lingering_ = false;  // the client may still be sending
  bool continued_ = false;  // 100 Continue has been sent
};

}  // namespace loom::http
