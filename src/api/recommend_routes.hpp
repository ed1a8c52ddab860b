#pragma once
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/recommend: which program and database to search with.
class RecommendRoutes {
 public:
  /// `context` is borrowed; its works are there.
  explicit RecommendRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply get(http::Request& request, service::Caller caller);
  Reply post(http::Request& request, service::Caller caller);

  Context& context_;
};

}  // namespace loom::api
