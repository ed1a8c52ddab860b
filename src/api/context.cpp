#include "api/context.hpp"

#include "api/replies.hpp"

namespace loom::api {
namespace {

// Below what proxies and clients wait for a first byte.
constexpr std::chrono::seconds kMakeTime{20};

}  // namespace

http::Response Context::fail(const http::Request& request, const Refusal& refusal) const {
  constexpr int kServersFault = 500;
  const int status = refusal.status != 0 ? refusal.status : status_of(refusal.error.code);
  if (deps.report && status >= kServersFault) deps.report(request, refusal.error);
  return problem(request, refusal);
}

http::net::awaitable<Result<std::shared_ptr<results::HitIndex>>> Context::hits(service::Caller caller,
                                                                               store::JobId id) {
  const auto find = [this, &caller, &id] { return deps.jobs.open_hits(caller, id, lookup_deadline()); };
  auto open = co_await deps.blocking.run(find);
  if (!open || *open) co_return open;
  const auto make = [this, &caller, &id] { return deps.jobs.hits(caller, id, Deadline::in(kMakeTime)); };
  auto made = co_await run(indexings, make);
  if (!made && made.error().code == Code::unavailable) co_return nullptr;
  co_return made;
}

namespace {

http::net::awaitable<http::Response> admit_and_handle(Context& context, const CallerHandler& handler,
                                                      http::Request& request) {
  auto admission = context.gate.admit_now(request);
  if (!admission) admission = co_await context.gate.admit(request);
  if (!*admission) co_return std::move(admission->error());
  co_return co_await handler(request, **std::move(admission));
}

http::net::awaitable<http::Response> admit_and_send(Context& context, const CallerHandler& handler,
                                                    http::Request& request) {
  auto admission = co_await context.gate.admit_download(request);
  if (!admission) co_return std::move(admission.error());
  co_return co_await handler(request, *std::move(admission));
}

}  // namespace

http::Handler with_caller(Context& context, CallerHandler handler) {
  return [&context, handler = std::move(handler)](http::Request& request) {
    return admit_and_handle(context, handler, request);
  };
}

CallerHandler without_parameters(const Context& context, CallerHandler handler) {
  return [&context, handler = std::move(handler)](
             http::Request& request, service::Caller caller) -> http::net::awaitable<http::Response> {
    const auto known = check_parameters(request, {});
    if (!known) co_return context.fail(request, known.error());
    co_return co_await handler(request, std::move(caller));
  };
}

http::Route download_route(Context& context, std::string pattern, CallerHandler handler) {
  context.downloads.push_back(pattern);
  auto send = [&context, handler = std::move(handler)](http::Request& request) {
    return admit_and_send(context, handler, request);
  };
  return {boost::beast::http::verb::get, std::move(pattern), std::move(send)};
}

}  // namespace loom::api
