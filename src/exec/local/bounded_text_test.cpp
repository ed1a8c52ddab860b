#include "exec/local/bounded_text.hpp"

#include <gtest/gtest.h>

namespace loom::exec {
namespace {

TEST(BoundedText, KeepsAllThatFits) {
  BoundedText text(10);
  text.append("01234");
  text.append("56789");
  EXPECT_EQ(text.str(), "0123456789");
}

TEST(BoundedText, KeepsHeadAndTailHoweverItIsCutUp) {
  std::string all;
  for (int i = 0; i < 1000; ++i) all += std::to_string(i) + ",";
  const std::string expected =
      "0,1,2\n[... " + std::to_string(all.size() - 10) + " bytes left out ...]\n,999,";
  for (std::size_t step = 1; step < all.size(); step += 7) {
    BoundedText text(10);
    for (std::size_t at = 0; at < all.size(); at += step) text.append(std::string_view(all).substr(at, step));
    ASSERT_EQ(text.str(), expected) << "in pieces of " << step;
  }
}

}  // namespace
}  // namespace loom::exec
