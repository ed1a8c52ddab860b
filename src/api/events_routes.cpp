#include "api/events_routes.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "api/history.hpp"
#include "api/job_json.hpp"
#include "api/replies.hpp"
#include "base/number.hpp"

namespace loom::api {
namespace {

namespace net = boost::asio;
using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;

constexpr std::size_t kDefaultLimit = 100;

// Leaves the broadcaster when the connection ends.
class Subscription {
 public:
  Subscription(Broadcaster& broadcaster, std::shared_ptr<Listener> listener)
      : broadcaster_(broadcaster), listener_(std::move(listener)) {}
  ~Subscription() { broadcaster_.remove(*listener_); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  Broadcaster& broadcaster_;
  std::shared_ptr<Listener> listener_;
};

// The id after which the client wants to go on: a browser that reconnects sends the header.
Parsed<std::optional<std::uint64_t>> last_event_id(const Request& request) {
  std::string_view text = request.header("Last-Event-ID");
  if (text.empty()) text = request.parameter("last_event_id").value_or("");
  if (text.empty()) return std::optional<std::uint64_t>();
  const auto id = number_of<std::uint64_t>(text);
  if (!id) return wrong("last_event_id", "the last event id must be a whole number, not '{}'", text);
  return id;
}

Response stream_reply(http::EventStream stream) {
  return {200,
          {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}},
          std::move(stream)};
}

}  // namespace

void EventsRoutes::add_to(std::vector<http::Route>& routes) {
  const auto add = [&](std::string pattern, Answer answer) {
    auto call = [this, answer](Request& request) { return admit(request, answer); };
    routes.push_back({verb::get, std::move(pattern), std::move(call)});
  };
  add("/api/blast/events", &EventsRoutes::all);
  add("/api/blast/jobs/{id}/events", &EventsRoutes::of_job);
}

EventsRoutes::Reply EventsRoutes::admit(Request& request, Answer answer) {
  auto holder = co_await context_.gate.admit_holder(request);
  if (!holder) co_return std::move(holder.error());
  co_return co_await (this->*answer)(request, *std::move(holder));
}

/// GET /api/blast/events -> 200 (a stream) | 400 | 401. From now on, or after the last event id.
EventsRoutes::Reply EventsRoutes::all(Request& request, Gate::Holder holder) {
  const auto known = check_parameters(request, {"last_event_id"});
  if (!known) co_return context_.fail(request, known.error());
  const auto last = last_event_id(request);
  if (!last) co_return context_.fail(request, last.error());
  Topic topic;
  const Caller& caller = holder.caller;
  if (caller.role != service::Role::admin) topic.owner = caller.name;
  auto home = co_await net::this_coro::executor;
  co_return stream_reply([this, home, topic = std::move(topic), holder = std::move(holder),
                          from = *last](std::shared_ptr<http::EventSink> sink) -> std::shared_ptr<void> {
    auto listener = std::make_shared<Listener>(std::move(sink), topic, holder.token);
    const std::uint64_t after = from.value_or(context_.broadcaster.last_order());
    const bool live = context_.broadcaster.add_live(listener, after);
    if (!live) net::co_spawn(home, catch_up(context_, holder.caller, listener, after, false), net::detached);
    return std::make_shared<Subscription>(context_.broadcaster, std::move(listener));
  });
}

EventsRoutes::Reply EventsRoutes::of_job(Request& request, Gate::Holder holder) {
  auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  if (request.header("Accept").find("text/event-stream") != std::string_view::npos)
    co_return co_await stream(request, std::move(holder), *std::move(id));
  co_return co_await page(request, std::move(holder.caller), *std::move(id));
}

/// GET /api/blast/jobs/{id}/events?after&limit -> 200 | 400 | 401 | 404.
EventsRoutes::Reply EventsRoutes::page(Request& request, Caller caller, store::JobId id) {
  const auto known = check_parameters(request, {"after", "limit"});
  if (!known) co_return context_.fail(request, known.error());
  const auto after = number_parameter(request, "after", 0, INT64_MAX, 0);
  if (!after) co_return context_.fail(request, after.error());
  const auto limit = number_parameter(request, "limit", 1, store::kMostRows, kDefaultLimit);
  if (!limit) co_return context_.fail(request, limit.error());
  const auto call = [this, &caller, &id, &after, &limit] {
    return context_.deps.jobs.events(caller, id, *after, static_cast<std::size_t>(*limit), lookup_deadline());
  };
  const auto events = co_await context_.deps.blocking.run(call);
  if (!events) co_return context_.fail(request, events.error());
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.key("events");
  json.open_array();
  for (const store::Event& event : *events) write_event(json, event);
  json.close_array();
  if (events->size() == *limit) json.member("next_after", events->back().seq);
  json.close_object();
  co_return json_reply(200, std::move(body));
}

/// GET /api/blast/jobs/{id}/events, Accept: text/event-stream -> 200 (a stream that ends with the job) | 204
/// (it has ended and the client has seen that, so a browser does not come again) | 400 | 401 | 404.
EventsRoutes::Reply EventsRoutes::stream(Request& request, Gate::Holder holder, store::JobId id) {
  const auto known = check_parameters(request, {"last_event_id"});
  if (!known) co_return context_.fail(request, known.error());
  const auto last = last_event_id(request);
  if (!last) co_return context_.fail(request, last.error());
  const auto call = [this, &holder, &id] {
    return context_.deps.jobs.get(holder.caller, id, lookup_deadline());
  };
  const auto job = co_await context_.deps.blocking.run(call);
  if (!job) co_return context_.fail(request, job.error());
  // An id beyond the job's last event is of another life of the store.
  const std::uint64_t after = std::min(last->value_or(0), job->version);
  const bool ended = store::is_final(job->state);
  if (ended && after >= job->version) {
    Response nothing;
    nothing.status = 204;
    co_return nothing;
  }
  auto home = co_await net::this_coro::executor;
  co_return stream_reply([this, home, id = std::move(id), holder = std::move(holder), after,
                          ended](std::shared_ptr<http::EventSink> sink) -> std::shared_ptr<void> {
    auto listener = std::make_shared<Listener>(std::move(sink), Topic{id, std::nullopt}, holder.token);
    context_.broadcaster.add(listener);
    net::co_spawn(home, catch_up(context_, holder.caller, listener, after, ended), net::detached);
    return std::make_shared<Subscription>(context_.broadcaster, std::move(listener));
  });
}

}  // namespace loom::api
