#include "http/serving/request_parser.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <cstring>

namespace loom::http {
namespace {

constexpr std::size_t kMostIdLetters = 64;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool is_plain_word(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= kMostIdLetters && std::ranges::all_of(text, plain);
}

}  // namespace

void RequestParser::on_request_impl(verb method, string_view, string_view target, int version, error_code&) {
  request_.method = method;
  request_.target = view(target);
  http11_ = version == 11;
}

void RequestParser::on_field_impl(field name, string_view name_text, string_view value, error_code& ec) {
  using boost::beast::iequals;
  if (head_done_) return;  // a trailer: nothing it says may change what the head said
  switch (name) {
    case field::host:
      if (++hosts_ > 1) ec = boost::beast::http::error::bad_field;
      break;
    case field::transfer_encoding:
      if (!http11_ || !iequals(value, "chunked")) ec = boost::beast::http::error::bad_transfer_encoding;
      break;
    case field::expect:
      expects_continue_ = http11_ && iequals(value, "100-continue");
      break;
    default:
      if (iequals(name_text, "X-Request-Id") && is_plain_word(view(value))) request_.id = view(value);
  }
  request_.headers.emplace_back(name_text, value);
}

void RequestParser::on_header_impl(error_code& ec) {
  head_done_ = true;
  if (http11_ && hosts_ == 0) ec = boost::beast::http::error::bad_field;
}

std::size_t RequestParser::on_body_impl(string_view body, error_code& ec) {
  const auto taken = std::min(body.size(), out_.size() - filled_);
  char* to = out_.data() + filled_;
  if (to != body.data() && taken > 0) std::memcpy(to, body.data(), taken);  // read in place: nothing to move
  filled_ += taken;
  if (taken < body.size()) ec = boost::beast::http::error::need_buffer;
  return taken;
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, string_view, error_code& ec) {
  if (size > chunk_limit_ - announced_) {
    ec = boost::beast::http::error::body_limit;
  } else {
    announced_ += size;
  }
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) {
  return on_body_impl(body, ec);
}

}  // namespace loom::http
