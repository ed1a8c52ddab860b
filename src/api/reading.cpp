#include "api/reading.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace loom::api {
namespace {

using boost::beast::http::verb;

/// Where a POST only asks: what is asked may be long, and a link is for one answer only.
constexpr std::array<std::string_view, 4> kAsking{"/Blast.cgi", "/api/blast/recommend",
                                                  "/api/blast/databases/{name}/sequences",
                                                  "/api/blast/download-links"};

bool only_asks(const http::Route& route) {
  return route.method == verb::get || std::ranges::find(kAsking, route.pattern) != kAsking.end();
}

Error refusal_of(const std::string& owner) {
  if (owner.empty())
    return error(Code::forbidden,
                 "this server only reads, and the one that takes changes does not run now; ask its operator "
                 "to start it");
  return error(Code::forbidden, "this server only reads; the one that takes changes is at {}: ask there",
               owner);
}

}  // namespace

http::net::awaitable<http::Response> refuse_change(const Context& context, const http::Request& request) {
  constexpr int kNotAllowed = 405;
  const auto call = [&context]() -> Result<std::string> { return context.deps.who_changes(); };
  const auto owner = co_await context.deps.blocking.run(call);
  if (!owner) co_return context.fail(request, owner.error());
  http::Response refusal = context.fail(request, {refusal_of(*owner), {}, kNotAllowed});
  refusal.headers.emplace_back("Allow", "GET, HEAD");
  co_return refusal;
}

void refuse_changes(Context& context, std::vector<http::Route>& routes) {
  const auto refuse = [&context](http::Request& request, const service::Caller& /*caller*/) {
    return refuse_change(context, request);
  };
  for (http::Route& route : routes)
    if (!only_asks(route)) route.handler = with_caller(context, refuse);
}

}  // namespace loom::api
