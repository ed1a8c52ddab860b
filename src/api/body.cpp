#include "api/body.hpp"

#include <boost/beast/core/string.hpp>

namespace loom::api {

namespace {

Error too_long(std::uint64_t bytes, const Limit& limit) {
  return error(Code::too_large, "the body has {} bytes or more; at most {} are taken here{}", bytes,
               limit.most, limit.way_out());
}

}  // namespace

Status check_announced(const http::Request& request, const Limit& limit) {
  const std::uint64_t bytes = request.announced_bytes.value_or(0);
  return limit.passed_by(bytes) ? Status(too_long(bytes, limit)) : ok();
}

tl::unexpected<Refusal> body_refused(const Error& error) {
  constexpr int kRequestTimeout = 408;
  return tl::unexpected(
      Refusal{.error = error, .field = {}, .status = error.code == Code::timed_out ? kRequestTimeout : 0});
}

bool has_type(const http::Request& request, std::string_view wanted) {
  const std::string_view type = request.header("Content-Type");
  return boost::beast::iequals(type.substr(0, type.find_first_of("; \t")), wanted);
}

http::net::awaitable<Parsed<std::string>> read_body(http::Request& request, Limit limit) {
  constexpr std::size_t kBlock = 64U << 10U;
  const Status fits = check_announced(request, limit);
  if (!fits) co_return tl::unexpected(Refusal{fits.error()});
  std::string body;
  for (;;) {
    const std::size_t had = body.size();
    body.resize(had + kBlock);
    const auto came = co_await request.body->read_some({body.data() + had, kBlock});
    if (!came) co_return body_refused(came.error());
    body.resize(had + *came);
    if (*came == 0) co_return body;
    if (limit.passed_by(body.size())) co_return tl::unexpected(Refusal{too_long(body.size(), limit)});
  }
}

}  // namespace loom::api
