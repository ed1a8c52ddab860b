#include "http/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loom::http {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Url, DecodesEscapes) {
  EXPECT_EQ(*percent_decode("a%20b%2Fc%c3%a4+", Plus::stays), "a b/c\xc3\xa4+");
  EXPECT_EQ(*percent_decode("a+b%2B", Plus::is_space), "a b+");
  EXPECT_EQ(*percent_decode("", Plus::stays), "");
}

TEST(Url, RefusesBadEscapes) {
  for (const auto* text : {"%", "a%", "a%2", "%zz", "%2g", "%00", "a%00b"}) {
    EXPECT_FALSE(percent_decode(text, Plus::stays)) << text;
  }
}

TEST(Url, ParsesQueries) {
  EXPECT_THAT(*parse_query("a=1&b=x+y&c&&d=%26=&=e"),
              ElementsAre(Pair("a", "1"), Pair("b", "x y"), Pair("c", ""), Pair("d", "&="), Pair("", "e")));
  EXPECT_THAT(*parse_query(""), ElementsAre());
  EXPECT_FALSE(parse_query("a=%"));
}

TEST(Url, SplitsPathsBeforeDecoding) {
  const auto segments = split_path("/a%2Fb/c//");
  ASSERT_TRUE(segments);
  EXPECT_THAT(segments->names, ElementsAre("a/b", "c", "", ""));
  EXPECT_THAT(split_path("/")->names, ElementsAre(""));
  EXPECT_FALSE(split_path("/%"));
}

TEST(Url, TakesOriginAndAbsoluteForm) {
  EXPECT_EQ(split_target("/a?b=c?d")->path, "/a");
  EXPECT_EQ(split_target("/a?b=c?d")->query, "b=c?d");
  EXPECT_EQ(split_target("http://host:1/a?b")->path, "/a");
  EXPECT_FALSE(split_target("*"));
  EXPECT_FALSE(split_target("host:443"));
  EXPECT_FALSE(split_target("http://host"));
}

}  // namespace
}  // namespace loom::http
