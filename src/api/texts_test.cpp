#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>
#include <limits>

#include "api/cursor.hpp"
#include "api/gate.hpp"
#include "api/job_json.hpp"
#include "api/list_cache.hpp"
#include "api/range.hpp"
#include "api/results_routes.hpp"

namespace loom::api {
namespace {

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Json, StringsAreEscaped) {
  EXPECT_EQ(json_text("a\"b\\c\n\r\t\x01/"), R"("a\"b\\c\n\r\t\u0001/")");
  EXPECT_EQ(json_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa7\xac"),
            "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa7\xac\"");
}

TEST(Json, WhatIsNoUtf8IsReplaced) {
  constexpr const char* kBad = "\xef\xbf\xbd";
  EXPECT_EQ(json_text("\xff"), fmt::format("\"{}\"", kBad));
  EXPECT_EQ(json_text("\xc3"), fmt::format("\"{}\"", kBad));
  EXPECT_EQ(json_text("\xc0\x80"), fmt::format("\"{0}{0}\"", kBad)) << "overlong";
  EXPECT_EQ(json_text("\xed\xa0\x80"), fmt::format("\"{0}{0}{0}\"", kBad)) << "surrogate";
  EXPECT_EQ(json_text("\xf4\x90\x80\x80"), fmt::format("\"{0}{0}{0}{0}\"", kBad))
      << "past the last code point";
  EXPECT_EQ(json_text("\xe2\x82x"), fmt::format("\"{0}{0}x\"", kBad));
}

RC_GTEST_PROP(Json, AnyBytesGiveValidJson, (const std::string& bytes)) {
  const std::string text = json_text(bytes);
  const auto value = boost::json::parse({text.data(), text.size()});
  RC_ASSERT(value.is_string());
}

TEST(Json, CommasAndNumbers) {
  std::string out = "data: ";
  JsonWriter json(out);
  json.open_object();
  json.member("a", 1);
  json.member("b", "x{");
  json.key("c");
  json.open_array();
  json.value(-2);
  json.value(0.1);
  json.value(std::numeric_limits<double>::quiet_NaN());
  json.value(true);
  json.value(std::numeric_limits<std::uint64_t>::max());
  json.open_object();
  json.close_object();
  json.close_array();
  json.raw("\"d\":[]");
  json.close_object();
  EXPECT_EQ(out, R"(data: {"a":1,"b":"x{","c":[-2,0.1,null,true,18446744073709551615,{}],"d":[]})");
}

TEST(Cursor, RoundTripAndNothingElse) {
  const store::JobCursor cursor{store::UnixTime(std::chrono::milliseconds(1'700'000'000'123)),
                                store::JobId::random()};
  const std::string text = cursor_text(cursor);
  EXPECT_EQ(text.find_first_of("+/=."), std::string::npos);
  EXPECT_EQ(parse_cursor(text), cursor);
  for (const std::string& wrong :
       {std::string(), text + "A", text.substr(1), std::string("x y"), std::string(200, 'A')})
    EXPECT_FALSE(parse_cursor(wrong)) << wrong;
}

void expect_range(std::string_view header, ByteRange::Kind kind, std::uint64_t first = 0,
                  std::uint64_t count = 0) {
  const ByteRange range = parse_range(header, 10);
  EXPECT_EQ(range.kind, kind) << header;
  EXPECT_EQ(range.first, first) << header;
  EXPECT_EQ(range.count, count) << header;
}

TEST(Range, SingleRanges) {
  using Kind = ByteRange::Kind;
  expect_range("bytes=0-3", Kind::part, 0, 4);
  expect_range("Bytes = 4-", Kind::part, 4, 6);
  expect_range("bytes=9-99999999999999999999999", Kind::part, 9, 1);
  expect_range("bytes=-3", Kind::part, 7, 3);
  expect_range("bytes=-30", Kind::part, 0, 10);
  expect_range("bytes=10-", Kind::unsatisfiable);
  expect_range("bytes=-0", Kind::unsatisfiable);
  for (const std::string_view ignored :
       {"bytes=3-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes=-", "bytes", ""})
    expect_range(ignored, Kind::whole);
  EXPECT_EQ(parse_range("bytes=0-", 0).kind, Kind::unsatisfiable);
}

TEST(Range, ConditionsOfARequest) {
  http::Request request;
  request.method = boost::beast::http::verb::get;
  request.headers = {{"Range", "bytes=1-2"}, {"If-Range", "\"b\""}};
  EXPECT_EQ(range_of(request, "\"a\"", 10).kind, ByteRange::Kind::whole);
  EXPECT_EQ(range_of(request, "\"b\"", 10).kind, ByteRange::Kind::part);
  request.method = boost::beast::http::verb::head;
  EXPECT_EQ(range_of(request, "\"b\"", 10).kind, ByteRange::Kind::whole);
  request.headers = {{"If-None-Match", "\"x\", W/\"b\""}};
  EXPECT_TRUE(is_known(request, "\"b\""));
  EXPECT_FALSE(is_known(request, "\"c\""));
}

TEST(Gate, WhatIsThisMachine) {
  for (const std::string_view good :
       {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535"})
    EXPECT_TRUE(is_this_machine(good)) << good;
  for (const std::string_view bad : {"", "localhost.evil.example", "evil.example", "127.0.0.1.evil.example",
                                     "localhost:80x", "[::1]x", "::1"})
    EXPECT_FALSE(is_this_machine(bad)) << bad;
}

CachedReply reply_of(std::string text) {
  return {std::make_shared<const std::string>(std::move(text)), std::make_shared<const std::string>("\"e\"")};
}

TEST(ListCache, AHitSharesTheBytesUntilTheGenerationChanges) {
  ListCache cache;
  const auto reply = reply_of("x");
  cache.put("k", 3, reply);
  ASSERT_TRUE(cache.find("k", 3));
  EXPECT_EQ(cache.find("k", 3)->body, reply.body);
  EXPECT_FALSE(cache.find("other", 3));
  EXPECT_FALSE(cache.find("k", 4));
  EXPECT_FALSE(cache.find("k", 3)) << "what is old is dropped";
}

TEST(ListCache, BoundsOfEntriesAndBytesDropTheLeastRecentlyUsed) {
  constexpr std::size_t kMost = ListCache::kMostEntries / ListCache::kShards;
  ListCache cache;
  for (std::size_t i = 0; i < kMost; ++i) cache.put(fmt::format("k{}", i), 1, reply_of("x"));
  ASSERT_TRUE(cache.find("k0", 1));
  cache.put("one more", 1, reply_of("x"));
  EXPECT_TRUE(cache.find("k0", 1));
  EXPECT_FALSE(cache.find("k1", 1));
  const std::size_t half = ListCache::kMostBytes / ListCache::kShards / 2;
  cache.put("big", 1, reply_of(std::string(half, 'x')));
  cache.put("bigger", 1, reply_of(std::string(half, 'x')));
  EXPECT_FALSE(cache.find("k0", 1));
  EXPECT_FALSE(cache.find("big", 1));
  EXPECT_TRUE(cache.find("bigger", 1));
  cache.put("too big", 1, reply_of(std::string(half * 2, 'x')));
  EXPECT_FALSE(cache.find("too big", 1));
  EXPECT_TRUE(cache.find("bigger", 1));
}

TEST(Results, TypesAndNames) {
  const auto type = [](const char* outfmt) {
    return type_of({.name = {}, .kind = {}, .outfmt = outfmt, .sha256 = {}});
  };
  EXPECT_EQ(type("5").content_type, "application/xml");
  EXPECT_EQ(type("16").content_type, "application/xml");
  EXPECT_EQ(type("15").content_type, "application/json");
  EXPECT_EQ(type("6 qaccver evalue").ending, ".tsv");
  EXPECT_EQ(type("0").content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(type("").ending, "");
  const auto id = *store::JobId::parse("0123456789abcdef0123456789abcdef");
  EXPECT_EQ(download_name(id, "out \"x\"\r\n/../y.txt"), "blast-01234567-out__x____.._y.txt");
}

}  // namespace
}  // namespace loom::api
