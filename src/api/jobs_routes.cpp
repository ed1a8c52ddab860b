#include "api/jobs_routes.hpp"

#include "api/cursor.hpp"
#include "api/job_json.hpp"
#include "api/replies.hpp"
#include "api/submission.hpp"
#include "base/log.hpp"
#include "base/time_text.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;

constexpr std::size_t kDefaultLimit = 50;
constexpr std::size_t kShortestText = 3;

struct ListQuery {
  store::JobFilter filter;
  std::optional<store::JobCursor> after;
  std::size_t limit = kDefaultLimit;
};

std::optional<std::string> text_parameter(const Request& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text || text->empty()) return std::nullopt;
  return std::string(*text);
}

Parsed<std::monostate> read_filter(const Request& request, store::JobFilter& filter) {
  filter.owner = text_parameter(request, "owner");
  filter.program = text_parameter(request, "program");
  filter.database = text_parameter(request, "database");
  filter.text = text_parameter(request, "text");
  if (filter.text && filter.text->size() < kShortestText)
    return wrong("text", "text must have at least {} characters", kShortestText);
  if (const auto status = text_parameter(request, "status")) {
    filter.state = store::parse_job_state(*status);
    if (!filter.state)
      return wrong("status", "status '{}' is none of queued, running, merging, completed, failed, cancelled",
                   *status);
  }
  if (const auto since = text_parameter(request, "since")) {
    filter.since = parse_time(*since);
    if (!filter.since)
      return wrong("since", "since '{}' is no RFC 3339 time such as 2026-01-31T12:00:00Z", *since);
  }
  return std::monostate{};
}

Parsed<ListQuery> parse_list_query(const Request& request) {
  const auto known = check_parameters(
      request, {"status", "program", "database", "owner", "text", "since", "limit", "cursor"});
  if (!known) return tl::unexpected(known.error());
  ListQuery query;
  const auto filter = read_filter(request, query.filter);
  if (!filter) return tl::unexpected(filter.error());
  const auto limit = number_parameter(request, "limit", 1, store::kMostRows, kDefaultLimit);
  if (!limit) return tl::unexpected(limit.error());
  query.limit = static_cast<std::size_t>(*limit);
  if (const auto cursor = text_parameter(request, "cursor")) {
    query.after = parse_cursor(*cursor);
    if (!query.after)
      return wrong("cursor", "the cursor is none that this server gave; begin again without one");
  }
  return query;
}

/// What is refused of a search begins with "database: ", "option NAME: " or "-NAME: ", and so names its
/// field.
Refusal refusal_of(const Error& error) {
  const std::size_t end = error.message.find(": ");
  if (end == std::string::npos) return {error};
  std::string_view place = std::string_view(error.message).substr(0, end);
  std::string_view group;
  for (const std::string_view sign : {"option ", "-"}) {
    if (!place.starts_with(sign)) continue;
    place.remove_prefix(sign.size());
    group = "options.";
  }
  if (place.find(' ') != std::string_view::npos) return {error};
  return {error, fmt::format("{}{}", group, place)};
}

std::string list_key(const Request& request, const Caller& caller) {
  const auto mark = request.target.find('?');
  std::string key = caller.name;
  key += '\n';
  key += caller.role == service::Role::admin ? 'a' : 'u';
  if (mark != std::string::npos) key.append(request.target, mark);
  return key;
}

Response cached_reply(const Request& request, const CachedReply& reply) {
  return tagged_reply(request, "application/json", *reply.etag, reply.body);
}

}  // namespace

void JobsRoutes::add_to(std::vector<http::Route>& routes) {
  const auto call_of = [this](auto handler) {
    return [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
  };
  const auto add = [&](verb method, std::string pattern, auto handler, Limit most_bytes = http::kNoBody) {
    CallerHandler call = without_parameters(context_, call_of(handler));
    routes.push_back({method, std::move(pattern), with_caller(context_, std::move(call)), most_bytes});
  };
  const auto add_query = [&](std::string pattern, auto handler) {
    routes.push_back({verb::get, std::move(pattern), with_caller(context_, call_of(handler))});
  };
  const Limit submission = submission_limit(context_.deps.limits);
  add(verb::post, "/api/blast/jobs", &JobsRoutes::submit, submission);
  add(verb::post, "/api/blast/preflight", &JobsRoutes::preflight, submission);
  add_query("/api/blast/jobs", &JobsRoutes::list);
  add(verb::get, "/api/blast/jobs/{id}", &JobsRoutes::get);
  add(verb::delete_, "/api/blast/jobs/{id}", &JobsRoutes::remove);
  add(verb::post, "/api/blast/jobs/{id}/cancel", &JobsRoutes::cancel);
  add(verb::post, "/api/blast/jobs/{id}/retry", &JobsRoutes::retry);
  add(verb::get, "/api/blast/jobs/{id}/explain", &JobsRoutes::explain);
  add_query("/api/blast/jobs/{id}/tasks", &JobsRoutes::tasks);
}

std::string JobsRoutes::text_of(const store::Job& job) const {
  std::optional<double> eta;
  if (job.state == store::JobState::running) eta = context_.deps.scheduler.standing(job.id).eta_seconds;
  std::string body;
  JsonWriter json(body);
  write_job(json, job, context_.deps.jobs.outfmt_of(job), eta);
  return body;
}

/// POST /api/blast/jobs -> 201 (Location) | 200 (repeated) | 400 | 401 | 403 | 404 | 409 | 413 | 429 | 503 |
/// 507.
JobsRoutes::Reply JobsRoutes::submit(Request& request, Caller caller) {
  const auto key = idempotency_key(request);
  if (!key) co_return context_.fail(request, key.error());
  auto read = co_await read_submission(request, caller, context_.deps.jobs, context_.deps.blocking,
                                       context_.deps.limits);
  if (!read) co_return context_.fail(request, read.error());
  auto call = [this, &caller, &read, &key] {
    return context_.deps.jobs.submit(caller, read->request, std::move(read->query), *key,
                                     Deadline::in(kSubmitTime));
  };
  const auto submitted = co_await context_.deps.blocking.run(std::move(call));
  if (!submitted) co_return context_.fail(request, refusal_of(submitted.error()));
  constexpr int kOk = 200;
  constexpr int kCreated = 201;
  const bool created = submitted->outcome == store::Submitted::Outcome::created;
  log::write(log::Level::info, "job.accepted",
             {{"request", request.id}, {"job", submitted->job.id.str()}, {"caller", caller.name}});
  Response response = json_reply(created ? kCreated : kOk, text_of(submitted->job));
  response.headers.emplace_back("Location", job_path(submitted->job.id));
  co_return response;
}

/// POST /api/blast/preflight -> 200, or as submit.
JobsRoutes::Reply JobsRoutes::preflight(Request& request, Caller caller) {
  auto read = co_await read_submission(request, caller, context_.deps.jobs, context_.deps.blocking,
                                       context_.deps.limits);
  if (!read) co_return context_.fail(request, read.error());
  auto call = [this, &caller, &read] {
    return context_.deps.jobs.preflight(caller, read->request, std::move(read->query),
                                        Deadline::in(kSubmitTime));
  };
  const auto plan = co_await context_.deps.blocking.run(std::move(call));
  if (!plan) co_return context_.fail(request, refusal_of(plan.error()));
  std::string body;
  JsonWriter json(body);
  write_preflight(json, *plan);
  co_return json_reply(200, std::move(body));
}

Result<CachedReply> JobsRoutes::make_list(const Caller& caller, const store::JobFilter& filter,
                                          const std::optional<store::JobCursor>& after,
                                          std::size_t limit) const {
  LOOM_TRY(const store::JobPage page,
           context_.deps.jobs.list(caller, filter, after, limit, lookup_deadline()));
  auto body = std::make_shared<std::string>();
  JsonWriter json(*body);
  json.open_object();
  json.key("jobs");
  json.open_array();
  // Without ETA: that changes with every moment, and this text is good until a job changes.
  for (const store::Job& job : page.jobs)
    write_job(json, job, context_.deps.jobs.outfmt_of(job), std::nullopt);
  json.close_array();
  if (page.next) json.member("next_cursor", cursor_text(*page.next));
  json.close_object();
  return CachedReply{body, std::make_shared<const std::string>(etag_of(*body))};
}

/// GET /api/blast/jobs -> 200 | 304 | 400 | 401. Answered at once while no job has changed since the same
/// caller asked the same on this thread.
JobsRoutes::Reply JobsRoutes::list(Request& request, Caller caller) {
  std::string key = list_key(request, caller);
  const std::uint64_t generation = context_.deps.hub.generation();
  if (const auto hit = context_.lists.find(key, generation)) co_return cached_reply(request, *hit);
  const auto query = parse_list_query(request);
  if (!query) co_return context_.fail(request, query.error());
  const auto call = [this, &caller, &query] {
    return make_list(caller, query->filter, query->after, query->limit);
  };
  const auto made = co_await context_.deps.blocking.run(call);
  if (!made) co_return context_.fail(request, made.error());
  context_.lists.put(std::move(key), generation, *made);
  co_return cached_reply(request, *made);
}

/// GET /api/blast/jobs/{id} -> 200 | 304 | 401 | 404.
JobsRoutes::Reply JobsRoutes::get(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto call = [this, &caller, &id] { return context_.deps.jobs.get(caller, *id, lookup_deadline()); };
  const auto job = co_await context_.deps.blocking.run(call);
  if (!job) co_return context_.fail(request, job.error());
  auto body = std::make_shared<const std::string>(text_of(*job));
  co_return tagged_reply(request, "application/json", fmt::format("\"v{}\"", job->version), std::move(body));
}

/// DELETE /api/blast/jobs/{id} -> 204 | 401 | 403 | 404 | 409.
JobsRoutes::Reply JobsRoutes::remove(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto call = [this, &caller, &id] {
    return context_.deps.jobs.remove(caller, *id, lookup_deadline());
  };
  const Status removed = co_await context_.look_up(call);
  if (!removed) co_return context_.fail(request, removed.error());
  Response response;
  response.status = 204;
  co_return response;
}

JobsRoutes::Reply JobsRoutes::change(Request& request, Caller caller, Change change) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto call = [this, &caller, &id, change] {
    return (context_.deps.jobs.*change)(caller, *id, lookup_deadline());
  };
  const auto job = co_await context_.deps.blocking.run(call);
  if (!job) co_return context_.fail(request, job.error());
  co_return json_reply(200, text_of(*job));
}

/// POST /api/blast/jobs/{id}/cancel -> 200 | 401 | 403 | 404 | 409.
JobsRoutes::Reply JobsRoutes::cancel(Request& request, Caller caller) {
  return change(request, std::move(caller), &service::JobService::cancel);
}

/// POST /api/blast/jobs/{id}/retry -> 200 | 401 | 403 | 404 | 409.
JobsRoutes::Reply JobsRoutes::retry(Request& request, Caller caller) {
  return change(request, std::move(caller), &service::JobService::retry);
}

/// GET /api/blast/jobs/{id}/explain -> 200 | 401 | 404.
JobsRoutes::Reply JobsRoutes::explain(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto call = [this, &caller, &id] {
    return context_.deps.jobs.explain(caller, *id, lookup_deadline());
  };
  const auto explanation = co_await context_.deps.blocking.run(call);
  if (!explanation) co_return context_.fail(request, explanation.error());
  std::string body;
  JsonWriter json(body);
  write_explanation(json, *id, *explanation);
  co_return json_reply(200, std::move(body));
}

/// GET /api/blast/jobs/{id}/tasks?first&limit -> 200 | 400 | 401 | 404.
JobsRoutes::Reply JobsRoutes::tasks(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto known = check_parameters(request, {"first", "limit"});
  if (!known) co_return context_.fail(request, known.error());
  const auto first = number_parameter(request, "first", 0, UINT32_MAX, 0);
  if (!first) co_return context_.fail(request, first.error());
  const auto limit = number_parameter(request, "limit", 1, store::kMostRows, store::kMostRows);
  if (!limit) co_return context_.fail(request, limit.error());
  const auto call = [this, &caller, &id, &first, &limit] {
    return context_.deps.jobs.tasks(caller, *id, static_cast<std::uint32_t>(*first),
                                    static_cast<std::size_t>(*limit), lookup_deadline());
  };
  const auto tasks = co_await context_.deps.blocking.run(call);
  if (!tasks) co_return context_.fail(request, tasks.error());
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.key("tasks");
  json.open_array();
  for (const store::Task& task : *tasks) write_task(json, task);
  json.close_array();
  if (tasks->size() == *limit) json.member("next_first", tasks->back().id.index + 1);
  json.close_object();
  co_return json_reply(200, std::move(body));
}

}  // namespace loom::api
