#pragma once
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/databases/{name}/sequences: what is in a database, as FASTA text.
class SequencesRoutes {
 public:
  /// `context` is borrowed; its works are there.
  explicit SequencesRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;

  Reply get(http::Request& request, service::Caller caller);
  Reply post(http::Request& request, service::Caller caller);
  Reply send(http::Request& request, service::SequenceRequest wanted);

  Context& context_;
};

}  // namespace loom::api
