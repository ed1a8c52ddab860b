#include "api/replies.hpp"

#include <algorithm>

#include "api/range.hpp"
#include "base/number.hpp"

namespace loom::api {

http::Response json_reply(int status, std::string body) {
  return {status,
          {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-cache"}},
          std::move(body)};
}

http::Response indexing_reply() {
  http::Response response = json_reply(202, R"({"status":"indexing"})");
  response.headers.emplace_back("Retry-After", "2");
  return response;
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
                                        std::span<const std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::ranges::find(known, name) == known.end())
      return wrong(
          name, "unknown parameter '{}'; {}", name.substr(0, 80),
          known.empty() ? "none is taken here" : fmt::format("known here are: {}", fmt::join(known, ", ")));
    if (std::ranges::count(request.query, name, &http::Pairs::value_type::first) > 1)
      return wrong(name, "parameter '{}' came more than once, and takes one value", name);
  }
  return std::monostate{};
}

Parsed<std::monostate> check_parameters(const http::Request& request,
                                        std::initializer_list<std::string_view> known) {
  return check_parameters(request, std::span(known.begin(), known.size()));
}

Parsed<std::uint64_t> number_parameter(const http::Request& request, std::string_view name,
                                       std::uint64_t least, std::uint64_t most, std::uint64_t otherwise) {
  const auto text = request.parameter(name);
  if (!text) return otherwise;
  const auto number = number_of<std::uint64_t>(*text);
  if (!number || *number < least || *number > most)
    return wrong(name, "{} must be a whole number from {} to {}, not '{}'", name, least, most, *text);
  return *number;
}

Parsed<std::optional<bool>> flag_parameter(const http::Request& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text) return std::optional<bool>();
  if (*text == "true" || *text == "1") return std::optional(true);
  if (*text == "false" || *text == "0") return std::optional(false);
  return wrong(name, "{}: '{}' is not true or false", name, text->substr(0, 40));
}

Parsed<std::vector<std::int64_t>> id_list(const http::Request& request, std::string_view name,
                                          std::size_t most) {
  std::vector<std::int64_t> ids;
  std::string_view rest = request.parameter(name).value_or("");
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    const auto id = number_of<std::int64_t>(one);
    if (!id || *id < 0) return wrong(name, "{}: '{}' is no id; write 3,17,5", name, one.substr(0, 40));
    if (ids.size() == most) return wrong(name, "{}: more than {}", name, most);
    ids.push_back(*id);
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  }
  return ids;
}

Parsed<store::JobId> read_job_id(std::string_view text) {
  auto id = store::JobId::parse(text);
  if (id) return *std::move(id);
  return tl::unexpected(
      Refusal{error(Code::not_found, "there is no job '{}'; an id is 32 hex digits", text)});
}

Parsed<store::JobId> job_id_of(const http::Request& request) {
  return read_job_id(request.captures.at(0));
}

}  // namespace loom::api
