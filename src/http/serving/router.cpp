#include "http/serving/router.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "http/url.hpp"

namespace loom::http {
namespace {

using boost::beast::http::verb;

void allow(std::string& allowed, std::string_view method) {
  if (allowed.find(method) != std::string::npos)
    return;  // no method's name is part of another's that we route
  if (!allowed.empty()) allowed += ", ";
  allowed += method;
}

void allow_routes(std::string& allowed, const std::vector<const Route*>& routes) {
  for (const Route* route : routes) {
    const auto name = boost::beast::http::to_string(route->method);
    allow(allowed, {name.data(), name.size()});
    if (route->method == verb::get) allow(allowed, "HEAD");
  }
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    LOOM_CHECK(route.pattern.starts_with('/'), "a route's pattern begins with '/'");
    Node* node = &root_;
    const auto segments = split_path(route.pattern);
    LOOM_CHECK(segments, "a route's pattern has no bad escape");
    for (const auto name : segments->names) {
      const bool captures = name.starts_with('{') && name.ends_with('}');
      auto& next = captures ? node->capture : node->literals[std::string(name)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
    const auto same = [&](const Route* other) { return other->method == route.method; };
    LOOM_CHECK(std::ranges::none_of(node->routes, same), "no two routes have the same method and pattern");
    node->routes.push_back(&route);
  }
}

// The captures of the way down are in match.captures; a dead end takes its own back.
void Router::search(const Node& node, verb method, std::span<const std::string_view> rest, Match& match) {
  if (rest.empty()) {
    const auto wanted = method == verb::head ? verb::get : method;
    const auto found = std::ranges::find(node.routes, wanted, &Route::method);
    if (found != node.routes.end()) {
      match.route = *found;
    } else {
      allow_routes(match.allowed, node.routes);
    }
    return;
  }
  if (const auto next = node.literals.find(rest.front()); next != node.literals.end()) {
    search(*next->second, method, rest.subspan(1), match);
    if (match.route != nullptr) return;
  }
  if (!node.capture || rest.front().empty()) return;
  match.captures.emplace_back(rest.front());
  search(*node.capture, method, rest.subspan(1), match);
  if (match.route == nullptr) match.captures.pop_back();
}

Router::Match Router::find(verb method, std::span<const std::string_view> segments) const {
  Match match;
  search(root_, method, segments, match);
  return match;
}

}  // namespace loom::http
