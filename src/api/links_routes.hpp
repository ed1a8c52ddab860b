#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/download-links: links that open a download without a header (api/ticket.hpp), for
/// browsers that save to disk.
class LinksRoutes {
 public:
  /// `context` is borrowed.
  explicit LinksRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  http::net::awaitable<http::Response> make(http::Request& request);
  /// The job that `path`, with its query, is a download of; nullopt: of none, but of something else.
  /// Refuses what is no download.
  [[nodiscard]] Parsed<std::optional<store::JobId>> job_of(std::string_view path) const;

  Context& context_;
};

}  // namespace loom::api
