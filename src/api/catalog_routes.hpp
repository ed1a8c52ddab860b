#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// What a search can be made of: /api/blast/programs and /api/blast/databases.
class CatalogRoutes {
 public:
  /// `context` is borrowed.
  explicit CatalogRoutes(Context& context);

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply programs(http::Request& request, service::Caller caller);
  Reply databases(http::Request& request, service::Caller caller);

  Context& context_;
  CachedReply programs_;
};

/// The option table of every program, as JSON.
std::string programs_json();

}  // namespace loom::api
