#include "api/ops_routes.hpp"

#include "api/job_json.hpp"
#include "api/replies.hpp"

namespace loom::api {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;

OpsRoutes::OpsRoutes(Context& context) : context_(context) {
  openapi_.body = std::make_shared<const std::string>(openapi_text());
  openapi_.etag = std::make_shared<const std::string>(etag_of(*openapi_.body));
}

void OpsRoutes::add_to(std::vector<http::Route>& routes) {
  const auto open = [&](std::string pattern, auto handler) {
    auto call = [this, handler](Request& request) { return (this->*handler)(request); };
    routes.push_back({verb::get, std::move(pattern), std::move(call)});
  };
  const auto guarded = [&](std::string pattern, auto handler) {
    auto call = [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
    routes.push_back({verb::get, std::move(pattern), with_caller(context_, std::move(call))});
  };
  open("/healthz", &OpsRoutes::health);
  open("/readyz", &OpsRoutes::ready);
  open("/openapi.yaml", &OpsRoutes::openapi);
  guarded("/metrics", &OpsRoutes::metrics);
  guarded("/api/blast/me", &OpsRoutes::me);
  guarded("/api/blast/beat", &OpsRoutes::beat);
  guarded("/api/blast/system", &OpsRoutes::system);
}

/// GET /healthz -> 200: the process answers.
OpsRoutes::Reply OpsRoutes::health(Request& /*request*/) {
  co_return json_reply(200, R"({"status":"ok"})");
}

/// GET /readyz -> 200 | 503, with what is not ready.
OpsRoutes::Reply OpsRoutes::ready(Request& request) {
  ReadyState state;
  if (context_.deps.ready) {
    const auto call = [this]() -> Result<ReadyState> { return context_.deps.ready(); };
    auto answer = co_await context_.deps.blocking.run(call);
    if (!answer) co_return context_.fail(request, answer.error());
    state = *std::move(answer);
  }
  const bool all = state.lacking.empty();
  constexpr int kReady = 200;
  constexpr int kNotReady = 503;
  Response response = json_reply(all ? kReady : kNotReady, ready_json(state));
  if (!all) response.headers.emplace_back("Retry-After", "2");
  co_return response;
}

/// GET /openapi.yaml -> 200 | 304.
OpsRoutes::Reply OpsRoutes::openapi(Request& request) {
  co_return tagged_reply(request, "application/yaml", *openapi_.etag, openapi_.body);
}

/// GET /api/blast/me -> 200 | 401. From a server that only reads also who takes changes.
OpsRoutes::Reply OpsRoutes::me(Request& request, Caller caller) {
  const bool reading = context_.deps.who_changes != nullptr;
  std::string owner;
  if (reading) {
    const auto ask = [this]() -> Result<std::string> { return context_.deps.who_changes(); };
    auto answer = co_await context_.deps.blocking.run(ask);
    if (!answer) co_return context_.fail(request, answer.error());
    owner = *std::move(answer);
  }
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("name", caller.name);
  json.member("role", name(caller.role));
  if (reading) json.member("reading", true);
  if (!owner.empty()) json.member("changes_at", owner);
  json.close_object();
  co_return json_reply(200, std::move(body));
}

/// GET /metrics -> 200 | 401 | 403. Without the jobs' counts when the store does not answer.
OpsRoutes::Reply OpsRoutes::metrics(Request& request, Caller caller) {
  if (caller.role != service::Role::admin)
    co_return context_.fail(request,
                            error(Code::forbidden, "metrics are of all users: use an admin's token"));
  const auto call = [this]() -> Result<std::string> {
    Gauges gauges{
        .jobs = std::nullopt, .scheduler = context_.deps.scheduler.counts(), .version = {}, .data = {}};
    if (context_.deps.counts) {
      const auto counts = context_.deps.counts();
      if (counts) gauges.jobs = *counts;
    }
    if (context_.deps.connections) gauges.connections = context_.deps.connections();
    gauges.listeners = context_.broadcaster.listeners();
    gauges.version = context_.deps.version;
    gauges.data = context_.deps.data;
    const auto& more = context_.deps.more_metrics;
    return context_.metrics.text(gauges) + (more ? more() : std::string());
  };
  auto text = co_await context_.deps.blocking.run(call);
  if (!text) co_return context_.fail(request, text.error());
  co_return Response{
      200,
      {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}, {"Cache-Control", "no-store"}},
      *std::move(text)};
}

/// GET /api/blast/system -> 200 | 401 | 403 | 404 (nothing to tell).
OpsRoutes::Reply OpsRoutes::system(Request& request, Caller caller) {
  if (caller.role != service::Role::admin)
    co_return context_.fail(request, error(Code::forbidden, "this is for admins: use an admin's token"));
  if (!context_.deps.system)
    co_return context_.fail(request, error(Code::not_found, "this server tells nothing of itself"));
  const auto call = [this]() -> Result<std::string> { return context_.deps.system(); };
  auto text = co_await context_.deps.blocking.run(call);
  if (!text) co_return context_.fail(request, text.error());
  co_return json_reply(200, *std::move(text));
}

/// GET /api/blast/beat -> 200 | 401 | 404 (no beat runs here).
OpsRoutes::Reply OpsRoutes::beat(Request& request, Caller /*caller*/) {
  if (!context_.deps.beat)
    co_return context_.fail(request, error(Code::not_found, "this server runs no periodic tasks"));
  const auto call = [this]() -> Result<std::string> { return context_.deps.beat(); };
  auto text = co_await context_.deps.blocking.run(call);
  if (!text) co_return context_.fail(request, text.error());
  co_return json_reply(200, *std::move(text));
}

}  // namespace loom::api
