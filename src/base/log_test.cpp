#include "base/log.hpp"

#include <gtest/gtest.h>

namespace loom::log {
namespace {

using std::chrono::milliseconds;
constexpr std::chrono::system_clock::time_point kWhen{milliseconds(1'700'000'000'007)};

TEST(LogTest, WritesFieldsInOrderWithATimeInUtc) {
  EXPECT_EQ(line(Level::info, "job.moved", {{"job", "ab12"}, {"tasks", 3}, {"state", "running"}}, kWhen),
            "time=2023-11-14T22:13:20.007Z level=info event=job.moved job=ab12 tasks=3 state=running\n");
}

TEST(LogTest, QuotesWhatWouldBreakTheLine) {
  EXPECT_EQ(line(Level::error, "e",
                 {{"a", "two words"}, {"b", ""}, {"c", "x=1"}, {"d", "say \"hi\"\n\x01\\"}}, kWhen),
            "time=2023-11-14T22:13:20.007Z level=error event=e a=\"two words\" c=\"x=1\" "
            "d=\"say \\\"hi\\\"\\n\\u0001\\\\\"\n");
}

TEST(LogTest, KnowsItsLevels) {
  EXPECT_EQ(parse_level("warning"), Level::warning);
  EXPECT_EQ(parse_level("loud"), std::nullopt);
  EXPECT_TRUE(enabled(Level::warning));
  EXPECT_FALSE(enabled(Level::info));
}

}  // namespace
}  // namespace loom::log
