#include <gtest/gtest.h>

#include <string_view>

#include "storage/azure/list_reply.hpp"
#include "storage/azure/retry.hpp"

namespace loom::storage::azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(AzureListReply, GivesNamesAndSizes) {
  const auto page = parse_blob_page(bytes(
      R"(<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob><Name>a &amp; b/c</Name><Properties>)"
      R"(<Etag>0x8D</Etag><Content-Length>12</Content-Length></Properties></Blob><Blob><Name Encoded="true">x%01%41</Name>)"
      R"(<Properties><Content-Length>0</Content-Length></Properties></Blob></Blobs><NextMarker>m</NextMarker>)"
      R"(</EnumerationResults>)"));
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(page->items[0].name, "a & b/c");
  EXPECT_EQ(page->items[0].size_bytes, 12U);
  EXPECT_EQ(page->items[0].etag, "0x8D");
  EXPECT_EQ(page->items[1].name,
            "x\x01"
            "A");
  EXPECT_EQ(page->next_marker, "m");
}

TEST(AzureListReply, RefusesWhatIsNone) {
  const std::string head = "<EnumerationResults><Blobs>";
  const std::string blob =
      "<Blob><Name>a</Name><Properties><Content-Length>-1</Content-Length></Properties></Blob>";
  const std::string tail = "</Blobs></EnumerationResults>";
  for (const std::string& bad : {std::string(), std::string("text"), std::string("<html></html>"), head,
                                 head + "<Blob></Blob>" + tail, head + blob + tail}) {
    const auto page = parse_blob_page(bytes(bad));
    ASSERT_FALSE(page) << bad;
    EXPECT_EQ(page.error().code, Code::corrupt);
  }
  EXPECT_FALSE(parse_uncommitted_blocks(
      bytes("<BlockList><UncommittedBlocks><Block><Name>a</Name></Block></UncommittedBlocks></BlockList>")));
}

TEST(AzureRetry, WaitsGrowToTheirMostAndAreSpread) {
  const RetryPolicy policy{.first_wait = milliseconds(100), .most_wait = milliseconds(1000)};
  EXPECT_EQ(backoff(policy, 2, 0), milliseconds(100));
  EXPECT_EQ(backoff(policy, 2, 1), milliseconds(50));
  EXPECT_EQ(backoff(policy, 4, 0), milliseconds(400));
  EXPECT_EQ(backoff(policy, 6, 0), milliseconds(1000));
  EXPECT_EQ(backoff(policy, 1'000'000, 0.5), milliseconds(750));
}

TEST(AzureRetry, RetryAfterIsSecondsOrADate) {
  const auto now = std::chrono::system_clock::from_time_t(784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("7", now), seconds(7));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), seconds(10));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), seconds(0));
  EXPECT_EQ(parse_retry_after("99999999999", now), seconds(24 * 60 * 60)) << "a day is the most";
  for (const char* bad : {"", "-1", "soon", "7 s"}) EXPECT_FALSE(parse_retry_after(bad, now)) << bad;
}

}  // namespace
}  // namespace loom::storage::azure
