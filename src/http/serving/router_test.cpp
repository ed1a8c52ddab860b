#include "http/serving/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/url.hpp"

namespace loom::http {
namespace {

using boost::beast::http::verb;
using testing::ElementsAre;

class RouterTest : public testing::Test {
 protected:
  Router::Match find(verb method, std::string_view path) {
    const auto segments = split_path(path);
    return router_.find(method, segments->names);
  }
  std::string pattern(verb method, std::string_view path) {
    const auto match = find(method, path);
    return match.route != nullptr ? match.route->pattern : "none; allowed: " + match.allowed;
  }

  static Route route(verb method, std::string pattern) { return {method, std::move(pattern), nullptr}; }
  Router router_{{route(verb::get, "/"), route(verb::get, "/jobs"), route(verb::post, "/jobs"),
                  route(verb::get, "/jobs/{id}"), route(verb::get, "/jobs/new"),
                  route(verb::delete_, "/jobs/{id}"), route(verb::post, "/jobs/{id}/cancel"),
                  route(verb::get, "/a/{x}/c/{y}"), route(verb::get, "/a/b/d")}};
};

TEST_F(RouterTest, FindsRoutesAndCaptures) {
  EXPECT_EQ(pattern(verb::get, "/"), "/");
  EXPECT_EQ(pattern(verb::get, "/jobs"), "/jobs");
  EXPECT_EQ(pattern(verb::get, "/jobs/7"), "/jobs/{id}");
  EXPECT_THAT(find(verb::get, "/jobs/a%2Fb").captures, ElementsAre("a/b"));
  EXPECT_THAT(find(verb::get, "/a/1/c/2").captures, ElementsAre("1", "2"));
}

TEST_F(RouterTest, PrefersLiteralsButComesBackFromDeadEnds) {
  EXPECT_EQ(pattern(verb::get, "/jobs/new"), "/jobs/new");
  EXPECT_EQ(pattern(verb::delete_, "/jobs/new"), "/jobs/{id}");
  EXPECT_THAT(find(verb::get, "/a/b/c/z").captures, ElementsAre("b", "z"));
}

TEST_F(RouterTest, HeadFindsGet) {
  EXPECT_EQ(pattern(verb::head, "/jobs/7"), "/jobs/{id}");
}

TEST_F(RouterTest, NamesTheMethodsAllowed) {
  EXPECT_EQ(pattern(verb::put, "/jobs/7"), "none; allowed: GET, HEAD, DELETE");
  EXPECT_EQ(pattern(verb::get, "/jobs/7/cancel"), "none; allowed: POST");
}

TEST_F(RouterTest, KnowsNoOtherPaths) {
  for (const auto* path : {"/nothing", "/jobs/", "/jobs//cancel", "/jobs/7/cancel/", "/a", "//"}) {
    EXPECT_EQ(pattern(verb::get, path), "none; allowed: ") << path;
  }
}

}  // namespace
}  // namespace loom::http
