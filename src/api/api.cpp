#include "api/api.hpp"

#include "api/catalog_routes.hpp"
#include "api/databases_routes.hpp"
#include "api/events_routes.hpp"
#include "api/hits_routes.hpp"
#include "api/imports_routes.hpp"
#include "api/jobs_routes.hpp"
#include "api/links_routes.hpp"
#include "api/ncbi_routes.hpp"
#include "api/ops_routes.hpp"
#include "api/page.hpp"
#include "api/reading.hpp"
#include "api/recommend_routes.hpp"
#include "api/removed_tokens.hpp"
#include "api/reports_routes.hpp"
#include "api/results_routes.hpp"
#include "api/sequences_routes.hpp"
#include "api/taxonomy_routes.hpp"

namespace loom::api {

struct Api::Parts {
  explicit Parts(ApiDeps deps) : context(std::move(deps)), page(context.deps.page) {}

  Context context;
  JobsRoutes jobs{context};
  EventsRoutes events{context};
  ResultsRoutes results{context};
  HitsRoutes hits{context};
  ReportsRoutes reports{context};
  LinksRoutes links{context};
  ImportsRoutes imports{context};
  CatalogRoutes catalog{context};
  DatabasesRoutes databases{context};
  RecommendRoutes recommend{context};
  SequencesRoutes sequences{context};
  TaxonomyRoutes taxonomy{context};
  NcbiRoutes ncbi{context, results};
  OpsRoutes ops{context};
  Page page;
};

Api::Api(ApiDeps deps) : parts_(std::make_unique<Parts>(std::move(deps))) {}
Api::~Api() = default;

std::vector<http::Route> Api::routes() {
  std::vector<http::Route> routes;
  parts_->jobs.add_to(routes);
  parts_->events.add_to(routes);
  parts_->results.add_to(routes);
  parts_->hits.add_to(routes);
  parts_->reports.add_to(routes);
  parts_->links.add_to(routes);
  parts_->imports.add_to(routes);
  parts_->catalog.add_to(routes);
  if (parts_->context.deps.works != nullptr) {
    parts_->databases.add_to(routes);
    parts_->recommend.add_to(routes);
    parts_->sequences.add_to(routes);
  }
  if (parts_->context.deps.organisms != nullptr) parts_->taxonomy.add_to(routes);
  parts_->ncbi.add_to(routes);
  parts_->ops.add_to(routes);
  if (parts_->context.deps.who_changes) refuse_changes(parts_->context, routes);
  return routes;
}

http::Handler Api::fallback() {
  return [this](http::Request& request) -> http::net::awaitable<http::Response> {
    if (auto found = parts_->page.find(request)) co_return std::move(*found);
    const Error missing = error(
        Code::not_found, "there is nothing at {}; GET /openapi.yaml describes what there is", request.path);
    co_return problem(request, {missing});
  };
}

void Api::count(const http::Exchange& exchange) {
  parts_->context.metrics.count(exchange);
}

std::unique_ptr<Watch> Api::watch(std::chrono::milliseconds period) {
  Context& context = parts_->context;
  if (!context.deps.ready) return nullptr;
  auto look = [&context] {
    Broadcaster& broadcaster = context.broadcaster;
    if (broadcaster.has_listeners_to_all()) broadcaster.tell_server(ready_json(context.deps.ready()));
  };
  return std::make_unique<Watch>(std::move(look), period);
}

std::unique_ptr<Watch> Api::watch_tokens(std::chrono::milliseconds period) {
  Context& context = parts_->context;
  auto look = [&context] {
    end_streams_of_removed(context.broadcaster, context.deps.tokens, context.deps.loopback);
  };
  return std::make_unique<Watch>(std::move(look), period);
}

}  // namespace loom::api
