#include "api/replies.hpp"

#include <algorithm>

#include "api/range.hpp"

namespace loom::api {

http::Response json_reply(int status, std::string body) {
  return {status,
          {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-cache"}},
          std::move(body)};
}

http::Response tagged_reply(const http::Request& request, std::string_view content_type,
                            std::string_view etag, std::shared_ptr<const std::string> body) {
  http::Response response;
  response.headers.reserve(4);
  response.headers.emplace_back("ETag", etag);
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  if (is_known(request, etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", content_type);
  response.body = std::move(body);
  return response;
}

Parsed<std::monostate> check_parameters(const http::Request& request,
                                        std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return wrong(name, "unknown parameter '{}'; known here are: {}", name, fmt::join(known, ", "));
  }
  return std::monostate{};
}

Parsed<std::uint64_t> number_parameter(const http::Request& request, std::string_view name,
                                       std::uint64_t least, std::uint64_t most, std::uint64_t otherwise) {
  const auto text = request.parameter(name);
  if (!text) return otherwise;
  std::uint64_t number = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), number);
  if (read.ec != std::errc() || read.ptr != text->data() + text->size() || number < least || number > most)
    return wrong(name, "{} must be a whole number from {} to {}, not '{}'", name, least, most, *text);
  return number;
}

Parsed<store::JobId> job_id_of(const http::Request& request) {
  auto id = store::JobId::parse(request.captures.at(0));
  if (id) return *std::move(id);
  return tl::unexpected(Refusal{
      error(Code::not_found, "there is no job '{}'; an id is 32 hex digits", request.captures.at(0))});
}

}  // namespace loom::api
