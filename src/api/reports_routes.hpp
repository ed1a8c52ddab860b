#pragma once
#include <memory>
#include <vector>

#include "api/context.hpp"
#include "results/hit_index.hpp"

namespace loom::api {

/// /api/blast/jobs/{id}/results/alignments, taxonomy and provenance: what is worked out from a job and its
/// hits.
class ReportsRoutes {
 public:
  /// `context` is borrowed.
  explicit ReportsRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply alignments(http::Request& request, service::Caller caller);
  Reply taxonomy(http::Request& request, service::Caller caller);
  Reply provenance(http::Request& request, service::Caller caller);
  [[nodiscard]] Parsed<std::string> alignments_body(const http::Request& request,
                                                    const service::Caller& caller, const store::JobId& id,
                                                    results::HitIndex& index) const;
  [[nodiscard]] Parsed<std::string> taxonomy_body(const http::Request& request,
                                                  results::HitIndex& index) const;

  Context& context_;
};

}  // namespace loom::api
