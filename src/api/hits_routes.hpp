#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/context.hpp"
#include "results/hsp_export.hpp"
#include "service/subject_fasta.hpp"

namespace loom::api {

/// /api/blast/jobs/{id}/results/queries, hits, hsps, subjects, summary and export: the hits of a job from its
/// index, in pages or streamed.
class HitsRoutes {
 public:
  /// `context` is borrowed.
  explicit HitsRoutes(Context& context) : context_(context) {}

  /// The routes refer to this object.
  void add_to(std::vector<http::Route>& routes);

 private:
  using Reply = http::net::awaitable<http::Response>;
  using Index = std::shared_ptr<results::HitIndex>;
  /// Writes the body of a page; on the blocking pool.
  using Write = Parsed<std::string> (*)(const http::Request& request, const Index& index, Deadline deadline);

  void add_page(std::vector<http::Route>& routes, std::string_view name, Write write);
  Reply page(http::Request& request, service::Caller caller, Write write);
  Reply save(http::Request& request, service::Caller caller);
  /// Streams; on the blocking pool.
  [[nodiscard]] Parsed<std::unique_ptr<http::BodySource>> rows_body(const service::Caller& caller,
                                                                    const store::JobId& id,
                                                                    const Index& index,
                                                                    results::ExportRequest wanted) const;
  [[nodiscard]] Parsed<std::unique_ptr<http::BodySource>> fasta_body(const service::Caller& caller,
                                                                     const store::JobId& id,
                                                                     const Index& index,
                                                                     const results::RowsRequest& wanted,
                                                                     service::FastaWish wish) const;

  Context& context_;
};

}  // namespace loom::api
