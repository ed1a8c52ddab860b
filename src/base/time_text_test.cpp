#include "base/time_text.hpp"

#include <gtest/gtest.h>

namespace loom {
namespace {

TEST(TimeText, WritesAndReads) {
  const std::chrono::sys_time<std::chrono::milliseconds> time(std::chrono::milliseconds(1'769'903'999'007));
  EXPECT_EQ(time_text(time), "2026-01-31T23:59:59.007Z");
  EXPECT_EQ(time_text(std::chrono::floor<std::chrono::seconds>(time)), "2026-01-31T23:59:59Z");
  EXPECT_EQ(parse_time("2026-01-31T23:59:59.007Z"), time);
  EXPECT_EQ(parse_time("2026-02-01t01:29:59.0079+01:30"), time);
  EXPECT_EQ(parse_time("2026-01-31T22:59:59.007-01:00"), time);
  for (const std::string_view wrong :
       {"", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T00:00:00",
        "2026-01-31T00:00:00.Z", "2026-01-31T00:00:00Zx", "1969-12-31T00:00:00Z", "2026-1-31T00:00:00Z",
        "2026-01-31T00:00:00+0100"})
    EXPECT_FALSE(parse_time(wrong)) << wrong;
}

TEST(TimeText, OfHttp) {
  EXPECT_EQ(http_date(std::chrono::sys_seconds(std::chrono::seconds(784'111'777))),
            "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace loom
