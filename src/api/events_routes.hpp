#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/events and /api/blast/jobs/{id}/events: event streams, and pages of a job's events.
class EventsRoutes {
 public:
  /// `context` is borrowed.
  explicit EventsRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply all(http::Request& request, service::Caller caller);
  Reply of_job(http::Request& request, service::Caller caller);
  Reply page(http::Request& request, service::Caller caller, store::JobId id);
  Reply stream(http::Request& request, service::Caller caller, store::JobId id);

  Context& context_;
};

}  // namespace loom::api
