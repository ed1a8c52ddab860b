#pragma once
#include <memory>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/preflight and /api/blast/jobs but for events and results. A handler parses, asks the service on
/// the blocking pool, maps; nothing else.
class JobsRoutes {
 public:
  /// `context` is borrowed.
  explicit JobsRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply submit(http::Request& request, service::Caller caller);
  Reply preflight(http::Request& request, service::Caller caller);
  Reply list(http::Request& request, service::Caller caller);
  Reply get(http::Request& request, service::Caller caller);
  Reply remove(http::Request& request, service::Caller caller);
  Reply cancel(http::Request& request, service::Caller caller);
  Reply retry(http::Request& request, service::Caller caller);
  Reply explain(http::Request& request, service::Caller caller);
  Reply tasks(http::Request& request, service::Caller caller);

  using Change = Result<store::Job> (service::JobService::*)(const service::Caller&, const store::JobId&,
                                                             Deadline);
  Reply change(http::Request& request, service::Caller caller, Change call);
  [[nodiscard]] std::string text_of(const store::Job& job) const;
  [[nodiscard]] Result<CachedReply> make_list(const service::Caller& caller, const store::JobFilter& filter,
                                              const std::optional<store::JobCursor>& after,
                                              std::size_t limit) const;

  Context& context_;
};

}  // namespace loom::api
