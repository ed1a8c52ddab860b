#include "api/databases_routes.hpp"

#include <limits>

#include "api/build_order.hpp"
#include "api/replies.hpp"
#include "base/json_writer.hpp"
#include "base/time_text.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;
using service::DatabaseWork;

constexpr int kOk = 200;
constexpr int kAccepted = 202;
constexpr int kNoContent = 204;

void write_repeated(JsonWriter& json, const service::RepeatedIds& repeated) {
  json.key("repeated_ids");
  json.open_object();
  json.member("count", repeated.count);
  json.key("first");
  json.open_array();
  for (const auto& one : repeated.first) {
    json.open_object();
    json.member("id", one.id);
    json.member("first_line", one.first_line);
    json.member("line", one.line);
    json.close_object();
  }
  json.close_array();
  json.close_object();
}

void write_work(JsonWriter& json, const DatabaseWork& work) {
  json.open_object();
  json.member("id", work.id);
  json.member("kind", service::name(work.kind));
  json.member("database", work.database);
  if (!work.snapshot.empty()) json.member("snapshot", work.snapshot);
  json.member("status", service::name(work.state));
  if (!work.step.empty()) json.member("step", work.step);
  if (work.fraction) json.member("fraction", *work.fraction);
  if (!work.message.empty()) json.member("message", work.message);
  if (work.repeated.count > 0) write_repeated(json, work.repeated);
  json.member("created", time_text(work.created));
  if (work.finished) json.member("finished", time_text(*work.finished));
  json.close_object();
}

void write_snapshot(JsonWriter& json, const catalog::Snapshot& snapshot, bool current) {
  json.open_object();
  json.member("id", snapshot.id);
  json.member("current", current);
  json.member("molecule", blast::name(snapshot.molecule));
  json.member("title", snapshot.title);
  json.member("sequences", snapshot.sequences);
  json.member("letters", snapshot.letters);
  json.member("bytes", snapshot.bytes);
  json.member("created", snapshot.created);
  json.member("source", snapshot.source);
  json.member("fingerprint", snapshot.fingerprint);
  if (!snapshot.verified.empty()) json.member("verified", snapshot.verified);
  if (!snapshot.fault.empty()) json.member("fault", snapshot.fault);
  json.close_object();
}

Response work_reply(int status, const DatabaseWork& work) {
  std::string body;
  JsonWriter json(body);
  write_work(json, work);
  Response response = json_reply(status, std::move(body));
  if (status == kAccepted) response.headers.emplace_back("Location", "/api/blast/database-works/" + work.id);
  return response;
}

std::string text_parameter(const Request& request, std::string_view name) {
  return std::string(request.parameter(name).value_or(""));
}

}  // namespace

void DatabasesRoutes::add_to(std::vector<http::Route>& routes) {
  const auto call_of = [this](auto handler) {
    return [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
  };
  const auto add = [&](verb method, std::string pattern, auto handler, Limit most_bytes = http::kNoBody) {
    routes.push_back({method, std::move(pattern), with_caller(context_, call_of(handler)), most_bytes});
  };
  const auto add_plain = [&](verb method, std::string pattern, auto handler) {
    CallerHandler call = without_parameters(context_, call_of(handler));
    routes.push_back({method, std::move(pattern), with_caller(context_, std::move(call))});
  };
  add(verb::post, "/api/blast/databases", &DatabasesRoutes::build, Limit{});
  add(verb::post, "/api/blast/database-imports", &DatabasesRoutes::take_in);
  add_plain(verb::get, "/api/blast/databases/{name}", &DatabasesRoutes::get);
  add_plain(verb::delete_, "/api/blast/databases/{name}", &DatabasesRoutes::remove);
  add(verb::post, "/api/blast/databases/{name}/verify", &DatabasesRoutes::verify);
  add(verb::get, "/api/blast/databases/{name}/metadata", &DatabasesRoutes::metadata);
  add(verb::get, "/api/blast/databases/{name}/residency", &DatabasesRoutes::residency);
  add_plain(verb::post, "/api/blast/databases/{name}/fetch", &DatabasesRoutes::fetch);
  add(verb::post, "/api/blast/databases/{name}/warm", &DatabasesRoutes::warm);
  add(verb::delete_, "/api/blast/metadata-cache", &DatabasesRoutes::forget);
  add_plain(verb::post, "/api/blast/databases/{name}/snapshots/{id}/current", &DatabasesRoutes::make_current);
  add_plain(verb::delete_, "/api/blast/databases/{name}/snapshots/{id}", &DatabasesRoutes::remove);
  add_plain(verb::get, "/api/blast/database-works", &DatabasesRoutes::works);
  add_plain(verb::get, "/api/blast/database-works/{id}", &DatabasesRoutes::work);
  add_plain(verb::post, "/api/blast/database-works/{id}/cancel", &DatabasesRoutes::cancel);
}

/// POST /api/blast/databases?name=&molecule=, the sequences as body or a form -> 202 | 400 | 401 | 403 | 404
/// | 429 | 507.
DatabasesRoutes::Reply DatabasesRoutes::build(Request& request, Caller caller) {
  auto order = co_await read_build_order(request, caller, *context_.deps.works, context_.deps.blocking);
  if (!order) co_return context_.fail(request, order.error());
  auto call = [&] { return context_.deps.works->build(caller, *std::move(order)); };
  const auto work = co_await context_.deps.blocking.run(std::move(call));
  if (!work) co_return context_.fail(request, work.error());
  co_return work_reply(kAccepted, *work);
}

/// POST /api/blast/database-imports?path= -> 202 | 400 | 401 | 403 | 404 | 429.
DatabasesRoutes::Reply DatabasesRoutes::take_in(Request& request, Caller caller) {
  if (const auto known = check_parameters(request, {"path"}); !known)
    co_return context_.fail(request, known.error());
  const auto call = [&] { return context_.deps.works->add(caller, text_parameter(request, "path")); };
  const auto work = co_await context_.deps.blocking.run(call);
  if (!work) co_return context_.fail(request, work.error());
  co_return work_reply(kAccepted, *work);
}

/// GET /api/blast/databases/{name} -> 200 | 401 | 404: a database that the server keeps, and its snapshots.
DatabasesRoutes::Reply DatabasesRoutes::get(Request& request, Caller /*caller*/) {
  const std::string& name = request.captures[0];
  const auto call = [this, &name] { return context_.deps.works->snapshots(name); };
  const auto snapshots = co_await context_.deps.blocking.run(call);
  if (!snapshots) co_return context_.fail(request, snapshots.error());
  const std::string current = context_.deps.works->current_id(name);
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("name", name);
  json.key("snapshots");
  json.open_array();
  for (const catalog::Snapshot& one : *snapshots) write_snapshot(json, one, one.id == current);
  json.close_array();
  json.close_object();
  co_return json_reply(kOk, std::move(body));
}

/// POST /api/blast/databases/{name}/verify?snapshot= -> 202 | 401 | 403 | 404 | 429.
DatabasesRoutes::Reply DatabasesRoutes::verify(Request& request, Caller caller) {
  if (const auto known = check_parameters(request, {"snapshot"}); !known)
    co_return context_.fail(request, known.error());
  const auto call = [&] {
    return context_.deps.works->verify(caller, request.captures[0], text_parameter(request, "snapshot"));
  };
  const auto work = co_await context_.deps.blocking.run(call);
  if (!work) co_return context_.fail(request, work.error());
  co_return work_reply(kAccepted, *work);
}

/// GET /api/blast/databases/{name}/metadata?snapshot= -> 200 | 401 | 404.
DatabasesRoutes::Reply DatabasesRoutes::metadata(Request& request, Caller /*caller*/) {
  if (const auto known = check_parameters(request, {"snapshot"}); !known)
    co_return context_.fail(request, known.error());
  const auto call = [&] {
    return context_.deps.works->details().metadata(request.captures[0], text_parameter(request, "snapshot"),
                                                   lookup_deadline());
  };
  const auto text = co_await context_.deps.blocking.run(call);
  if (!text) co_return context_.fail(request, text.error());
  co_return Response{
      kOk, {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-cache"}}, *text};
}

/// GET /api/blast/databases/{name}/residency?snapshot= -> 200 | 401 | 404.
DatabasesRoutes::Reply DatabasesRoutes::residency(Request& request, Caller /*caller*/) {
  if (const auto known = check_parameters(request, {"snapshot"}); !known)
    co_return context_.fail(request, known.error());
  const auto call = [&] {
    return context_.deps.works->details().residency(request.captures[0], text_parameter(request, "snapshot"));
  };
  const auto now = co_await context_.deps.blocking.run(call);
  if (!now) co_return context_.fail(request, now.error());
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("bytes", now->bytes);
  json.member("resident_bytes", now->resident_bytes);
  json.member("unknown_bytes", now->unknown_bytes);
  json.close_object();
  co_return json_reply(kOk, std::move(body));
}

/// POST /api/blast/databases/{name}/fetch -> 202 | 400 | 401 | 403 | 429.
DatabasesRoutes::Reply DatabasesRoutes::fetch(Request& request, Caller caller) {
  const auto call = [&] { return context_.deps.works->fetch(caller, request.captures[0]); };
  const auto work = co_await context_.deps.blocking.run(call);
  if (!work) co_return context_.fail(request, work.error());
  co_return work_reply(kAccepted, *work);
}

/// POST /api/blast/databases/{name}/warm?snapshot=&budget_bytes= -> 202 | 401 | 403 | 404 | 429.
DatabasesRoutes::Reply DatabasesRoutes::warm(Request& request, Caller caller) {
  if (const auto known = check_parameters(request, {"snapshot", "budget_bytes"}); !known)
    co_return context_.fail(request, known.error());
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  const auto budget = number_parameter(request, "budget_bytes", 1, kAll, kAll);
  if (!budget) co_return context_.fail(request, budget.error());
  const auto call = [&] {
    return context_.deps.works->warm(caller, request.captures[0], text_parameter(request, "snapshot"),
                                     *budget);
  };
  const auto work = co_await context_.deps.blocking.run(call);
  if (!work) co_return context_.fail(request, work.error());
  co_return work_reply(kAccepted, *work);
}

/// DELETE /api/blast/metadata-cache?database=&snapshot= -> 200 | 401 | 403.
DatabasesRoutes::Reply DatabasesRoutes::forget(Request& request, Caller caller) {
  if (const auto known = check_parameters(request, {"database", "snapshot"}); !known)
    co_return context_.fail(request, known.error());
  if (caller.role != service::Role::admin)
    co_return context_.fail(request, error(Code::forbidden, "only an admin may empty this cache"));
  const auto call = [&] {
    return context_.deps.works->details().forget(text_parameter(request, "database"),
                                                 text_parameter(request, "snapshot"));
  };
  const auto removed = co_await context_.deps.blocking.run(call);
  if (!removed) co_return context_.fail(request, removed.error());
  co_return json_reply(kOk, fmt::format("{{\"removed\":{}}}", *removed));
}

/// POST /api/blast/databases/{name}/snapshots/{id}/current -> 200 | 401 | 403 | 404.
DatabasesRoutes::Reply DatabasesRoutes::make_current(Request& request, Caller caller) {
  const auto call = [&] {
    return context_.deps.works->switch_to(caller, request.captures[0], request.captures[1]);
  };
  const auto snapshot = co_await context_.deps.blocking.run(call);
  if (!snapshot) co_return context_.fail(request, snapshot.error());
  std::string body;
  JsonWriter json(body);
  write_snapshot(json, *snapshot, true);
  co_return json_reply(kOk, std::move(body));
}

/// DELETE /api/blast/databases/{name}[/snapshots/{id}] -> 204 | 401 | 403 | 404 | 409.
DatabasesRoutes::Reply DatabasesRoutes::remove(Request& request, Caller caller) {
  const auto call = [&] {
    const std::string id = request.captures.size() > 1 ? request.captures[1] : std::string();
    return context_.deps.works->remove(caller, request.captures[0], id);
  };
  const Status removed = co_await context_.deps.blocking.run(call);
  if (!removed) co_return context_.fail(request, removed.error());
  Response response;
  response.status = kNoContent;
  co_return response;
}

/// GET /api/blast/database-works -> 200 | 401.
DatabasesRoutes::Reply DatabasesRoutes::works(Request& /*request*/, Caller /*caller*/) {
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.key("works");
  json.open_array();
  for (const DatabaseWork& work : context_.deps.works->list()) write_work(json, work);
  json.close_array();
  json.close_object();
  co_return json_reply(kOk, std::move(body));
}

/// GET /api/blast/database-works/{id} -> 200 | 401 | 404.
DatabasesRoutes::Reply DatabasesRoutes::work(Request& request, Caller /*caller*/) {
  const auto work = context_.deps.works->get(request.captures[0]);
  if (!work) co_return context_.fail(request, work.error());
  co_return work_reply(kOk, *work);
}

/// POST /api/blast/database-works/{id}/cancel -> 200 | 401 | 403 | 404 | 409.
DatabasesRoutes::Reply DatabasesRoutes::cancel(Request& request, Caller caller) {
  const auto work = context_.deps.works->cancel(caller, request.captures[0]);
  if (!work) co_return context_.fail(request, work.error());
  co_return work_reply(kOk, *work);
}

}  // namespace loom::api
