#include "http/calling/event_parser.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace loom::http {
namespace {

using testing::ElementsAre;

// The events of `text`, fed in pieces of `piece` bytes.
std::vector<std::string> events(std::string_view text, std::size_t piece) {
  std::vector<std::string> seen;
  EventParser parser("0");
  const auto told = [&](std::string_view id, std::string_view event, std::string_view data) {
    seen.push_back(fmt::format("{}/{}/{}", id, event, data));
    return true;
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    parser.feed(text.substr(0, piece), told);
  return seen;
}

TEST(EventParser, ReadsEventsHoweverTheyAreCut) {
  constexpr std::string_view kText =
      "\xEF\xBB\xBF"
      "data: a\n\n: \n\nid: 7\nevent: job\ndata: x\ndata:  y\n\r\n\n"
      "data\r\r\nretry: 5\r\ndata: last of 7\r\n\r\nid:8\ndata:{\"a\":1}\n\ndata: never ended\n";
  for (std::size_t piece = 1; piece < kText.size() + 1; ++piece) {
    EXPECT_THAT(events(kText, piece), ElementsAre("0/message/a", "7/job/x\n y", "7/message/",
                                                  "7/message/last of 7", "8/message/{\"a\":1}"))
        << "in pieces of " << piece;
  }
}

TEST(EventParser, StopsWhenTold) {
  EventParser parser("");
  int seen = 0;
  const auto told = [&](std::string_view, std::string_view, std::string_view) { return ++seen < 2; };
  EXPECT_FALSE(parser.feed("data: 1\n\ndata: 2\n\ndata: 3\n\n", told));
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace loom::http
