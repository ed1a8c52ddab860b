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

TEST(NcbiPut, OrganismsBecomeTaxids) {
  EXPECT_THAT(options({{"ENTREZ_QUERY", "txid9606[ORGN] OR txid10090 [Organism:exp]"}}),
              Contains(Pair("taxids", "9606,10090")));
  EXPECT_THAT(options({{"ENTREZ_QUERY", "all[filter] NOT txid9606[orgn]"}}),
              Contains(Pair("negative_taxids", "9606")));
  EXPECT_THAT(refused({{"ENTREZ_QUERY", "txid9606[ORGN] AND srcdb_refseq[prop]"}}),
              HasSubstr("ENTREZ_QUERY"));
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

TEST(NcbiPut, RefusesWhatItWouldHaveToIgnore) {
  EXPECT_THAT(refused({{"PHI_PATTERN", "[A]-x"}}), HasSubstr("PHI_PATTERN"));
  EXPECT_THAT(refused({{"EXPECT", "1"}, {"expect", "2"}}), HasSubstr("twice"));
  EXPECT_THAT(refused({{"FILTER", "R"}}), HasSubstr("FILTER=R"));
  EXPECT_THAT(refused({{"QUERY_FROM", "5"}}), HasSubstr("go together"));
  EXPECT_THAT(refused({{"LCASE_MASK", "perhaps"}}), HasSubstr("LCASE_MASK"));
  EXPECT_THAT(refused({{"SERVICE", "megablast"}}), HasSubstr("SERVICE=megablast"));
}

TEST(NcbiOutfmt, ViewsAreOfTextOnly) {
  EXPECT_EQ(*ncbi_outfmt({{"FORMAT_TYPE", "Text"}, {"ALIGNMENT_VIEW", "Tabular"}}, ""), "7");
  EXPECT_EQ(*ncbi_outfmt({{"FORMAT_TYPE", "XML"}, {"ALIGNMENT_VIEW", "Pairwise"}}, ""), "5");
  EXPECT_EQ(*ncbi_outfmt({}, "5"), "5");
  EXPECT_EQ(*ncbi_outfmt({{"FORMAT_TYPE", "HTML"}}, "5"), "");
}

}  // namespace
}  // namespace loom::api
