#include "api/ncbi_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loom::api {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

http::Pairs search(http::Pairs more) {
  more.insert(more.end(), {{"CMD", "Put"}, {"PROGRAM", "blastp"}, {"DATABASE", "db"}, {"QUERY", ">q\nMKV"}});
  return more;
}

std::vector<std::pair<std::string, std::string>> options(http::Pairs more) {
  const auto parsed = parse_ncbi_put(search(std::move(more)));
  EXPECT_TRUE(parsed) << parsed.error().error.message;
  return parsed ? parsed->request.options : std::vector<std::pair<std::string, std::string>>{};
}

std::string refused(http::Pairs more) {
  const auto parsed = parse_ncbi_put(search(std::move(more)));
  EXPECT_FALSE(parsed);
  return parsed ? "" : parsed.error().error.message;
}

TEST(NcbiPut, NamesAndWordsCountInAnyCase) {
  EXPECT_THAT(options({{"expect", "1e-5"}}), Contains(Pair("evalue", "1e-5")));
  const auto parsed =
      parse_ncbi_put({{"program", "BLASTP"}, {"database", " db "}, {"query", "MKV"}, {"service", "PSI"}});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request.program, "psiblast");
  EXPECT_EQ(parsed->request.database, "db");
}

TEST(NcbiPut, OrganismsAreThoseOfASubmit) {
  const auto parsed = parse_ncbi_put(search({{"ENTREZ_QUERY", "txid9606[ORGN] NOT txid63221[ORGN]"}}));
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->request.organisms, testing::ElementsAre(9606));
  EXPECT_THAT(parsed->request.organisms_not, testing::ElementsAre(63221));
  EXPECT_THAT(refused({{"ENTREZ_QUERY", "txid9606[ORGN] AND srcdb_refseq[prop]"}}),
              HasSubstr("ENTREZ_QUERY: 'srcdb_refseq[prop]'"));
}

TEST(NcbiPut, GapCostsAreTwoNumbers) {
  for (const char* text : {"11 1", "11,1", " 11 , ,1 "})
    EXPECT_THAT(options({{"GAPCOSTS", text}}),
                testing::IsSupersetOf({Pair("gapopen", "11"), Pair("gapextend", "1")}))
        << text;
  for (const char* text : {"11", "11 ", ",11 1", "11 1,", "11 1 1", "11x1", "-11 1", "+11 1", "11 1.5",
                           "11\t1", "1234567890 1", "1 1234567890"})
    EXPECT_THAT(refused({{"GAPCOSTS", text}}), HasSubstr("GAPCOSTS must be two numbers")) << text;
}

TEST(NcbiPut, GapCostsOfAnyLengthAreReadWithoutRecursion) {
  constexpr std::size_t kMany = 1'000'000;
  EXPECT_THAT(refused({{"GAPCOSTS", std::string(kMany, ',')}}), HasSubstr("GAPCOSTS must be two numbers"));
  EXPECT_THAT(refused({{"GAPCOSTS", std::string(kMany, '1')}}), HasSubstr("GAPCOSTS must be two numbers"));
  EXPECT_THAT(options({{"GAPCOSTS", "11" + std::string(kMany, ' ') + "1"}}),
              Contains(Pair("gapextend", "1")));
}

TEST(NcbiPut, ShortQueriesGetTheirTaskOnlyWhenAlone) {
  const auto task = [](const char* query) {
    const auto parsed = parse_ncbi_put({{"PROGRAM", "blastn"},
                                        {"DATABASE", "d"},
                                        {"QUERY", query},
                                        {"SHORT_QUERY_ADJUST", "on"},
                                        {"MEGABLAST", "on"}});
    EXPECT_TRUE(parsed);
    for (const auto& [name, value] : parsed->request.options)
      if (name == "task") return value;
    return std::string();
  };
  EXPECT_EQ(task(">a title of many letters\nACGTACGTACGTACGTACGTACGTACGTAC\n"), "blastn-short");
  EXPECT_EQ(task("ACGTACGTACGTACGTACGTACGTACGTACG"), "megablast") << "31 letters";
  EXPECT_EQ(task(">a\nACGT\n>b\nACGT\n"), "megablast");
}

TEST(NcbiPut, TextTakesItsLimitInAnotherOption) {
  EXPECT_THAT(options({{"HITLIST_SIZE", "20"}}), Contains(Pair("max_target_seqs", "20")));
  const auto text = options({{"HITLIST_SIZE", "20"}, {"FORMAT_TYPE", "Text"}});
  EXPECT_THAT(text, Contains(Pair("num_descriptions", "20")));
  EXPECT_THAT(text, Contains(Pair("num_alignments", "20")));
}

TEST(NcbiPut, TextHasNumbersOfItsOwnForDescriptionsAndAlignments) {
  const auto text = options(
      {{"HITLIST_SIZE", "20"}, {"FORMAT_TYPE", "Text"}, {"DESCRIPTIONS", "100"}, {"ALIGNMENTS", "3"}});
  EXPECT_THAT(text, Contains(Pair("num_descriptions", "20")));
  EXPECT_THAT(text, Contains(Pair("num_alignments", "3")));
  blast::Options searched(blast::Program::blastp);
  ASSERT_TRUE(searched.set("max_target_seqs", "50"));
  const auto asked = [&searched](const char* descriptions) {
    return ncbi_get_outfmt({{"FORMAT_TYPE", "Text"}, {"DESCRIPTIONS", descriptions}, {"ALIGNMENTS", "500"}},
                           searched);
  };
  EXPECT_EQ(*asked("500"), "0") << "all there are";
  EXPECT_THAT(asked("5").error().error.message, HasSubstr("DESCRIPTIONS=5: the search was made for 50"));
  EXPECT_EQ(*ncbi_get_outfmt({{"FORMAT_TYPE", "XML"}, {"DESCRIPTIONS", "5"}}, searched), "5");
  EXPECT_THAT(ncbi_get_outfmt({{"EXPECT_HIGH", "5"}}, searched).error().error.message,
              HasSubstr("EXPECT_HIGH is not"));
  EXPECT_THAT(ncbi_get_outfmt({{"EXPECT", "5"}}, searched).error().error.message,
              HasSubstr("give it to CMD=Put"));
}

TEST(NcbiPut, AccessionsAreNotFetched) {
  for (const char* query : {"P01308", "NP_000198.1", "4557549", "sp|P01308|INS_HUMAN", "MKV\nP01308\n"})
    EXPECT_THAT(
        parse_ncbi_put({{"PROGRAM", "blastp"}, {"DATABASE", "d"}, {"QUERY", query}}).error().error.message,
        HasSubstr("looks like an accession"));
  for (const char* query :
       {"MKVLAAG", "1 mkvlaagivg lpnvgkstlf\n21 naltkaga", ">P01308\nMKV\n", ">a\nMKV\n>b_1\nMKV"})
    EXPECT_TRUE(parse_ncbi_put({{"PROGRAM", "blastp"}, {"DATABASE", "d"}, {"QUERY", query}})) << query;
}

TEST(NcbiPut, RefusesWhatItWouldHaveToIgnore) {
  EXPECT_THAT(refused({{"PHI_PATTERN", "[A]-x"}}), HasSubstr("PHI_PATTERN"));
  EXPECT_THAT(refused({{"EXPECT", "1"}, {"expect", "2"}}), HasSubstr("twice"));
  EXPECT_THAT(refused({{"FILTER", "R"}}), HasSubstr("FILTER=R"));
  EXPECT_THAT(refused({{"QUERY_FROM", "5"}}), HasSubstr("go together"));
  EXPECT_THAT(refused({{"LCASE_MASK", "perhaps"}}), HasSubstr("LCASE_MASK"));
  EXPECT_THAT(refused({{"SERVICE", "megablast"}}), HasSubstr("SERVICE=megablast"));
  EXPECT_THAT(refused({{"MEGABLAST", "on"}}), HasSubstr("MEGABLAST is for PROGRAM=blastn"));
}

TEST(NcbiOutfmt, ViewsAreOfTextOnly) {
  EXPECT_EQ(*ncbi_outfmt({{"FORMAT_TYPE", "Text"}, {"ALIGNMENT_VIEW", "Tabular"}}, ""), "7");
  EXPECT_EQ(*ncbi_outfmt({{"FORMAT_TYPE", "XML"}, {"ALIGNMENT_VIEW", "Pairwise"}}, ""), "5");
  for (const char* type : {"XML", "HTML", "CSV"})
    EXPECT_THAT(ncbi_outfmt({{"FORMAT_TYPE", type}, {"ALIGNMENT_VIEW", "Tabular"}}, "").error().error.message,
                HasSubstr("goes with FORMAT_TYPE=Text"));
  EXPECT_EQ(*ncbi_outfmt({}, "5"), "5");
  EXPECT_EQ(*ncbi_outfmt({{"FORMAT_TYPE", "HTML"}}, "5"), "");
}

}  // namespace
}  // namespace loom::api
