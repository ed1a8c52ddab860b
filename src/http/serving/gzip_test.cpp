#include "http/serving/gzip.hpp"

#include <gtest/gtest.h>

#include "http/http_under_test.hpp"

namespace loom::http {
namespace {

TEST(Gzip, RoundTrips) {
  Gzip gzip;
  for (const std::string& text : {std::string(), std::string("x"), std::string(100'000, 'a')}) {
    EXPECT_EQ(gunzip(*gzip.compress(text)), text);
  }
}

TEST(Gzip, RemembersSharedBodiesWhileTheyLive) {
  Gzip gzip;
  auto text = std::make_shared<const std::string>(5000, 'a');
  const auto first = *gzip.compress_shared(text);
  EXPECT_EQ(*gzip.compress_shared(text), first);
  for (int i = 0; i < 200; ++i) {  // whatever addresses they get, each gets its own
    text = std::make_shared<const std::string>(5000, static_cast<char>('b' + i % 20));
    EXPECT_EQ(gunzip(**gzip.compress_shared(text)), *text);
  }
}

TEST(AcceptsGzip, ReadsTheField) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, GZip;q=0.5, br"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_TRUE(accepts_gzip("br;q=0, *;q=0.1"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("identity, br"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip; q=0.000, *"));
}

TEST(Compressible, KnowsTypes) {
  for (const auto* type : {"text/html; charset=utf-8", "application/json", "application/problem+json",
                           "image/svg+xml", "application/xml", "application/javascript", "text/csv"}) {
    EXPECT_TRUE(compressible(type)) << type;
  }
  for (const auto* type : {"image/png", "application/gzip", "application/octet-stream", ""}) {
    EXPECT_FALSE(compressible(type)) << type;
  }
}

}  // namespace
}  // namespace loom::http
