#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/events and /api/blast/jobs/{id}/events: event streams, and pages of a job's events. A stream
/// ends soon after its token was removed (Api::watch_tokens).
class EventsRoutes {
 public:
  /// `context` is borrowed.
  explicit EventsRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;
  using Answer = Reply (EventsRoutes::*)(http::Request&, Gate::Holder);

  /// Asks the gate first.
  Reply admit(http::Request& request, Answer answer);
  Reply all(http::Request& request, Gate::Holder holder);
  Reply of_job(http::Request& request, Gate::Holder holder);
  Reply page(http::Request& request, service::Caller caller, store::JobId id);
  Reply stream(http::Request& request, Gate::Holder holder, store::JobId id);

  Context& context_;
};

}  // namespace loom::api
