#pragma once
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <limits>
#include <span>

#include "base/limit.hpp"
#include "http/message.hpp"

namespace loom::http {

/// Parses one request: the head's fields straight into a Request, the body straight into the reader's memory.
/// Stricter than Beast where bytes could be smuggled: one Host, no transfer coding but "chunked", none
/// in 1.0.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  explicit RequestParser(Request& into) : request_(into) { body_limit(boost::none); }

  [[nodiscard]] bool http11() const { return http11_; }
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }

  /// Once the head is done: of the bytes that chunks may announce; past it put() fails with body_limit.
  void limit_chunks(const Limit& bytes) {
    chunk_limit_ = bytes.most != 0 ? bytes.most : std::numeric_limits<std::uint64_t>::max();
  }
  /// Where put() puts the body; need_buffer once it is full. filled() tells how much came since.
  void deliver_to(std::span<char> out) {
    out_ = out;
    filled_ = 0;
  }
  [[nodiscard]] std::size_t filled() const { return filled_; }

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;
  using verb = boost::beast::http::verb;
  using field = boost::beast::http::field;

  void on_request_impl(verb method, string_view name, string_view target, int version,
                       error_code& ec) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field name, string_view name_text, string_view value, error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body, error_code& ec) override;
  void on_finish_impl(error_code&) override {}

  Request& request_;
  std::span<char> out_;
  std::size_t filled_ = 0;
  std::uint64_t chunk_limit_ = 0;
  std::uint64_t announced_ = 0;
  int hosts_ = 0;
  bool http11_ = true;
  bool expects_continue_ = false;
  bool head_done_ = false;
};

}  // namespace loom::http
