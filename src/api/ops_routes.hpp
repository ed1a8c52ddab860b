#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// What operators, their tools and the page ask of the server itself: /healthz, /readyz, /metrics,
/// /openapi.yaml, /api/blast/beat and system, and me: who asks.
class OpsRoutes {
 public:
  /// `context` is borrowed.
  explicit OpsRoutes(Context& context);

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply health(http::Request& request);
  Reply ready(http::Request& request);
  Reply openapi(http::Request& request);
  Reply me(http::Request& request, service::Caller caller);
  Reply metrics(http::Request& request, service::Caller caller);
  Reply beat(http::Request& request, service::Caller caller);
  Reply system(http::Request& request, service::Caller caller);

  Context& context_;
  CachedReply openapi_;
};

/// doc/openapi.yaml as it was when the program was built.
std::string_view openapi_text();

}  // namespace loom::api
