#include "api/context.hpp"

namespace loom::api {

http::Response Context::fail(const http::Request& request, const Refusal& refusal) const {
  constexpr int kServersFault = 500;
  const int status = refusal.status != 0 ? refusal.status : status_of(refusal.error.code);
  if (deps.report && status >= kServersFault) deps.report(request, refusal.error);
  return problem(request, refusal);
}

namespace {

http::net::awaitable<http::Response> admit_and_handle(Context& context, const CallerHandler& handler,
                                                      http::Request& request) {
  auto admission = context.gate.admit_now(request);
  if (!admission) admission = co_await context.gate.admit(request);
  if (!*admission) co_return std::move(admission->error());
  co_return co_await handler(request, **std::move(admission));
}

}  // namespace

http::Handler with_caller(Context& context, CallerHandler handler) {
  return [&context, handler = std::move(handler)](http::Request& request) {
    return admit_and_handle(context, handler, request);
  };
}

}  // namespace loom::api
