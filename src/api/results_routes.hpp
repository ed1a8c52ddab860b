#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// /api/blast/jobs/{id}/results…: the files of a job, one by one, rendered, and as a ZIP.
class ResultsRoutes {
 public:
  /// `context` is borrowed.
  explicit ResultsRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

  using Reply = http::net::awaitable<http::Response>;
  /// Answers with a file of a job: 200 | 206 | 304 | 404 | 416.
  Reply send(http::Request& request, service::Caller caller, store::JobId id, service::ResultFile file);

 private:
  Reply list(http::Request& request, service::Caller caller);
  Reply output(http::Request& request, service::Caller caller);
  Reply file(http::Request& request, service::Caller caller);
  Reply archive(http::Request& request, service::Caller caller);

  Context& context_;
};

/// The Content-Type of a file, and the ending of the name to save it under (".tsv"), by the number in its
/// outfmt.
struct FileType {
  std::string_view content_type;
  std::string_view ending;
};
FileType type_of(const service::ResultFile& file);

/// A name to save a file of `id` under: letters, digits, '.', '_' and '-' only.
std::string download_name(const store::JobId& id, std::string_view name);

}  // namespace loom::api
