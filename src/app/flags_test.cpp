#include "app/flags.hpp"

#include <gtest/gtest.h>

#include <array>

namespace loom::app {
namespace {

constexpr std::array kFlags{KnownFlag{"mask"}, KnownFlag{"title"}, KnownFlag{"append", false}};

TEST(Flags, TheLastOfSeveralCountsAndAllOfThemAreThere) {
  const std::vector<std::string> args{"build",    "--mask", "a", "--title=x=y", "mine", "--mask=b",
                                      "--append", "--mask", ""};
  const auto read = read_arguments("db", args, kFlags);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->rest, (std::vector<std::string>{"build", "mine"}));
  EXPECT_EQ(read->value("title"), "x=y");
  EXPECT_EQ(read->value("mask"), "");
  EXPECT_EQ(read->values("mask"), (std::vector<std::string>{"a", "b", ""}));
  EXPECT_TRUE(read->has("append"));
  EXPECT_EQ(read->values("append"), (std::vector<std::string>{""}));
  EXPECT_TRUE(read->values("other").empty());
}

TEST(Flags, WhatIsWrongIsNamed) {
  const std::vector<std::string> near{"--titl", "x"};
  EXPECT_EQ(read_arguments("db", near, kFlags).error().message,
            "db has no flag '--titl'; did you mean '--title'?");
  const std::vector<std::string> cut{"--mask"};
  EXPECT_EQ(read_arguments("db", cut, kFlags).error().message, "--mask: a value is needed");
}

}  // namespace
}  // namespace loom::app
