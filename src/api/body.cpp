#include "api/body.hpp"

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

http::net::awaitable<Parsed<std::string>> read_body(http::Request& request, Limit limit) {
  constexpr std::size_t kBlock = 64U << 10U;
  constexpr int kRequestTimeout = 408;
  const Status fits = check_announced(request, limit);
  if (!fits) co_return tl::unexpected(Refusal{fits.error()});
  std::string body;
  for (;;) {
    const std::size_t had = body.size();
    body.resize(had + kBlock);
    const auto came = co_await request.body->read_some({body.data() + had, kBlock});
    if (!came) {
      const int status = came.error().code == Code::timed_out ? kRequestTimeout : 0;
      co_return tl::unexpected(Refusal{.error = came.error(), .field = {}, .status = status});
    }
    body.resize(had + *came);
    if (*came == 0) co_return body;
    if (limit.passed_by(body.size())) co_return tl::unexpected(Refusal{too_long(body.size(), limit)});
  }
}

}  // namespace loom::api
