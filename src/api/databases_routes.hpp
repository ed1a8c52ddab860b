#pragma once
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// Databases that the server keeps: /api/blast/databases/{name}… and the work on them,
/// /api/blast/database-works.
class DatabasesRoutes {
 public:
  /// `context` is borrowed.
  explicit DatabasesRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply build(http::Request& request, service::Caller caller);
  Reply take_in(http::Request& request, service::Caller caller);
  Reply get(http::Request& request, service::Caller caller);
  Reply verify(http::Request& request, service::Caller caller);
  Reply metadata(http::Request& request, service::Caller caller);
  Reply residency(http::Request& request, service::Caller caller);
  Reply fetch(http::Request& request, service::Caller caller);
  Reply warm(http::Request& request, service::Caller caller);
  Reply forget(http::Request& request, service::Caller caller);
  Reply make_current(http::Request& request, service::Caller caller);
  Reply remove(http::Request& request, service::Caller caller);
  Reply works(http::Request& request, service::Caller caller);
  Reply work(http::Request& request, service::Caller caller);
  Reply cancel(http::Request& request, service::Caller caller);

  Context& context_;
};

}  // namespace loom::api
