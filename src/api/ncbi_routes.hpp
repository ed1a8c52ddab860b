#pragma once
#include <vector>

#include "api/context.hpp"
#include "api/results_routes.hpp"

namespace loom::api {

/// /Blast.cgi: NCBI's URL API (CMD=Put, Get, Delete), so that what was written for NCBI's server runs here. A
/// request ID (RID) is a job's id. As there, a wrong request is answered with 200 and a page that says why in
/// <p class="error">; who may not come in, or comes too often, gets the status of any route.
class NcbiRoutes {
 public:
  /// Both are borrowed.
  NcbiRoutes(Context& context, ResultsRoutes& results) : context_(context), results_(results) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply answer(http::Request& request, service::Caller caller);
  Reply put(http::Request& request, service::Caller caller, http::Pairs parameters);
  Reply get(http::Request& request, service::Caller caller, http::Pairs parameters);
  Reply remove(http::Request& request, service::Caller caller, http::Pairs parameters);
  Reply output(http::Request& request, service::Caller caller, store::JobId id, std::string outfmt);
  http::Response refuse(const http::Request& request, const Refusal& refusal) const;

  Context& context_;
  ResultsRoutes& results_;
};

}  // namespace loom::api
