#include "api/body.hpp"

namespace loom::api {

http::net::awaitable<Parsed<std::string>> read_body(http::Request& request) {
  constexpr std::size_t kBlock = 64U << 10U;
  constexpr int kRequestTimeout = 408;
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
  }
}

}  // namespace loom::api
