#pragma once
#include <memory>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// POST /api/blast/imports: a file of BLAST results becomes a completed job.
class ImportsRoutes {
 public:
  /// `context` is borrowed.
  explicit ImportsRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  http::net::awaitable<http::Response> take(http::Request& request, service::Caller caller);

  Context& context_;
};

}  // namespace loom::api
