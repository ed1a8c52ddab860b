#include "results/filter.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace loom::results {
namespace {

std::string sql(std::string_view text, Level level = Level::hsps) {
  const auto filter = Filter::parse(text);
  if (!filter) return "! " + filter.error().message;
  const auto made = filter->sql(level);
  return made ? made->text : "! " + made.error().message;
}

TEST(Filter, ComparisonsBecomeParameters) {
  const auto filter = Filter::parse("evalue<1e-10 and pident>90");
  ASSERT_TRUE(filter);
  const auto made = filter->sql(Level::hsps);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->text, "t.evalue < ? AND t.pident > ?");
  EXPECT_EQ(made->values, (std::vector<Bound>{1e-10, 90.0}));
  EXPECT_EQ(filter->text(), "evalue<1e-10 and pident>90");
}

TEST(Filter, AndBindsTighterThanOr) {
  EXPECT_EQ(sql("length>9 OR gaps=0 And Length<3"), "(t.length > ? OR (t.gaps = ? AND t.length < ?))");
  EXPECT_EQ(sql("(length>9 or gaps=0) and not length<3"),
            "(t.length > ? OR t.gaps = ?) AND NOT (t.length < ?)");
}

TEST(Filter, TextIsLookedUpOnce) {
  EXPECT_EQ(sql("title contains 'kinase'"),
            "t.subject IN (SELECT id FROM subject WHERE title LIKE ? ESCAPE '\\')");
  EXPECT_EQ(sql("taxid != 9606"), "t.subject NOT IN (SELECT subject FROM subject_taxid WHERE taxid = ?)");
  const auto filter = Filter::parse("title contains \"50%_\\ it''s\"");
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->sql(Level::hits)->values.front(), Bound("%50\\%\\_\\\\ it''s%"));
}

TEST(Filter, CladesBecomeTheirTaxids) {
  auto filter = Filter::parse("evalue<1 and not (clade=20 or clade!=7)");
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->settle_clades([](double) { return error(Code::conflict, "none"); }).error().message,
            "none");
  ASSERT_TRUE(filter->settle_clades([](double clade) {
    return clade == 20 ? std::vector<std::int64_t>{20, 9606} : std::vector<std::int64_t>();
  }));
  const auto made = filter->sql(Level::hits);
  ASSERT_TRUE(made);
  const std::string in =
      "(SELECT subject FROM subject_taxid WHERE taxid IN (SELECT value FROM json_each(?)))";
  EXPECT_EQ(made->text, "t.evalue < ? AND NOT ((t.subject IN " + in + " OR t.subject NOT IN " + in + "))");
  EXPECT_EQ(made->values, (std::vector<Bound>{1.0, "[20,9606]", "[]"}));
  EXPECT_EQ(filter->text(), "evalue<1 and not (clade=20 or clade!=7)");
}

TEST(Filter, ColumnsTellOfAllOrOfSome) {
  const auto sieve = [](std::string_view text) {
    return Filter::parse(text)
        ->column_sieve([](const Sql&) { return std::make_shared<SubjectSet>("x"); })
        .value();
  };
  const ColumnSieve all = sieve("pident>90 and not (length=7 or subject=a)");
  EXPECT_TRUE(all.exact);
  EXPECT_EQ(all.test.parts.size(), 2U);
  const ColumnSieve some = sieve("pident>90 and gaps=1 and (length=7 or qlen>5)");
  EXPECT_FALSE(some.exact);
  ASSERT_EQ(some.test.parts.size(), 1U);
  EXPECT_EQ(some.test.parts.front().value, 90);
}

TEST(Filter, EmptyIsEverything) {
  EXPECT_EQ(sql(" \t"), "");
  EXPECT_TRUE(Filter::parse("")->empty());
}

TEST(Filter, ErrorsNameThePlace) {
  EXPECT_TRUE(sql("evalue<1 and pidnt>90")
                  .starts_with("! where, column 14: 'pidnt' is no field, did you mean 'pident'? The fields "
                               "are evalue, bitscore,"))
      << sql("evalue<1 and pidnt>90");
  EXPECT_EQ(sql("evalue 5"),
            "! where, column 8: behind 'evalue' <, <=, >, >=, =, != or contains is due, not '5'");
  EXPECT_EQ(sql("evalue < kinase"), "! where, column 10: a number is due here, not 'kinase'");
  EXPECT_EQ(sql("title < 'a'"), "! where, column 1: title is text; compare it with =, != or contains");
  EXPECT_EQ(sql("(evalue<1"), "! where, column 10: the parenthesis of column 1 is not closed");
  EXPECT_EQ(sql("evalue<1 pident>2"),
            "! where, column 10: 'and', 'or' or the end is due here, not 'pident>2'");
  EXPECT_EQ(sql("evalue<1 and"), "! where, column 13: a comparison is due here, such as evalue<1e-10");
  EXPECT_EQ(sql("title='a"), "! where, column 7: the text that begins here is not closed with '");
  EXPECT_EQ(sql("gaps=0", Level::hits), "! gaps is known of HSPs only; ask for those");
  EXPECT_EQ(sql("taxid>5"), "! where, column 7: taxid can only be compared with = and !=");
  EXPECT_EQ(sql("clade<5"), "! where, column 7: clade can only be compared with = and !=");
}

TEST(Filter, NumbersBeyondADoubleAreZeroOrInfinite) {
  const auto value = [](std::string_view text) {
    const auto filter = Filter::parse(text);
    return filter ? filter->sql(Level::hsps)->values.front() : Bound(filter.error().message);
  };
  EXPECT_EQ(value("evalue<1e-999"), Bound(0.0));
  EXPECT_EQ(value("evalue<1e999"), Bound(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(value("evalue>-1e999"), Bound(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(value("evalue<1e-310"), Bound(1e-310));
  for (const char* wrong : {"evalue<1e-999x", "evalue<nan", "evalue<e"})
    EXPECT_EQ(std::get<std::string>(value(wrong)).find("where, column 8: a number is due here, not '"), 0U);
  EXPECT_EQ(Filter::parse(Filter::parse("evalue<1e999")->text())->text(), "evalue<inf");
}

TEST(Filter, DeepAndLongOnesAreRefused) {
  EXPECT_EQ(Filter::parse(std::string(60, '(') + "gaps=0").error().code, Code::too_large);
  EXPECT_EQ(Filter::parse("title='" + std::string(5000, 'a') + "'").error().code, Code::too_large);
}

TEST(Filter, TextReadsBack) {
  for (const std::string_view text :
       {"evalue<1e-10", "(evalue<1 or gaps=0) and not (pident>=99.5 and length>3)", "not not gaps=1",
        "title contains 'it''s' or query=''", "taxid!=9606"}) {
    const auto filter = Filter::parse(text);
    ASSERT_TRUE(filter) << text;
    const auto again = Filter::parse(filter->text());
    ASSERT_TRUE(again) << filter->text();
    EXPECT_EQ(again->text(), filter->text());
    EXPECT_EQ(again->sql(Level::hsps)->text, filter->sql(Level::hsps)->text);
  }
}

}  // namespace
}  // namespace loom::results
