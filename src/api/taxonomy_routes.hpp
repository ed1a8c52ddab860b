#pragma once
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/taxonomy: organisms by a part of their name, and by taxid.
class TaxonomyRoutes {
 public:
  /// `context` is borrowed; its organisms are there.
  explicit TaxonomyRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply complete(http::Request& request, service::Caller caller);
  Reply get(http::Request& request, service::Caller caller);

  Context& context_;
};

}  // namespace loom::api
