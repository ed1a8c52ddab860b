#include "catalog/alias_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/search_path.hpp"

namespace loom::catalog {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ParseAlias, KeysEndAtBlanksAndTheLastOfARepeatedKeyCounts) {
  EXPECT_THAT(parse_alias("# TITLE no\n  TITLE  a title \t\r\nDBLIST a\tb\n\nX\nDBLIST c\n\tY 1\n"),
              ElementsAre(Pair("DBLIST", "c"), Pair("TITLE", "a title"), Pair("X", "")));
}

TEST(SplitNames, QuotesKeepBlanksAndSeparateNames) {
  EXPECT_THAT(split_names(R"( nr  "my db/x"y "" a\b)"), ElementsAre("nr", "my db/x", "y", "a/b"));
  EXPECT_THAT(split_names("  "), ElementsAre());
  EXPECT_THAT(split_names(R"("open end)"), ElementsAre("open end"));
}

TEST(QuotedName, IsSplitBackIntoItself) {
  for (const auto* name : {"nr", "a b/c d", "/x/y"})
    EXPECT_THAT(split_names(quoted_name(name)), ElementsAre(name));
  EXPECT_EQ(quoted_name("nr"), "nr");
}

TEST(NcbircDatabasePath, ReadsTheBlastSectionOnly) {
  EXPECT_EQ(ncbirc_database_path("[X]\nBLASTDB=/no\n[blast]\n; BLASTDB=/no\nblastdb = /a:/b \r\n"), "/a:/b");
  EXPECT_EQ(ncbirc_database_path("BLASTDB=/no\n[BLAST\nOTHER=1\n"), "");
  EXPECT_EQ(ncbirc_database_path("[BLAST]\nBLASTDB=\"/a b\""), "/a b");
}

}  // namespace
}  // namespace loom::catalog
