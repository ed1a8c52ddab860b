#include "http/problem.hpp"

#include <fmt/format.h>

#include <boost/beast/http/status.hpp>
#include <iterator>

namespace loom::http {
namespace {

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string_view reason(int status) {
  const auto phrase = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {phrase.data(), phrase.size()};
}

Response problem(int status, std::string_view code, std::string_view detail) {
  std::string body = R"({"type":"about:blank","title":)";
  append_json(body, reason(status));
  fmt::format_to(std::back_inserter(body), R"(,"status":{},"code":)", status);
  append_json(body, code);
  body += R"(,"detail":)";
  append_json(body, detail);
  body += '}';
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/problem+json");
  response.body = std::move(body);
  return response;
}

}  // namespace loom::http
