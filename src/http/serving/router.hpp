#pragma once
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"

namespace loom::http {

/// Finds the route of a path. Immutable once made, so thread-safe.
class Router {
 public:
  /// Stops the program on a pattern that does not begin with '/', and on two routes with the same method and
  /// pattern: both are defects.
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;       ///< null: see `allowed`
    std::vector<std::string> captures;  ///< of `route`
    std::string allowed;  ///< methods of this path ("GET, HEAD"); empty when the path is none of ours
  };
  /// A literal segment is preferred to a {capture}. HEAD finds the GET route.
  [[nodiscard]] Match find(boost::beast::http::verb method, std::span<const std::string_view> segments) const;

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> capture;
    std::vector<const Route*> routes;
  };
  static void search(const Node& node, boost::beast::http::verb method,
                     std::span<const std::string_view> rest, Match& match);

  std::vector<Route> routes_;
  Node root_;
};

}  // namespace loom::http
