#include "api/entrez_query.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loom::api {
namespace {

using testing::HasSubstr;

std::string read(std::string_view text) {
  const auto found = parse_entrez_organisms(text);
  if (!found) return "! " + found.error().message;
  return fmt::format("{} - {}", fmt::join(found->wanted, ","), fmt::join(found->unwanted, ","));
}

TEST(EntrezQuery, OrganismsAreJoinedAndLeftOut) {
  EXPECT_EQ(read("txid9606[ORGN]"), "9606 - ");
  EXPECT_EQ(read(" txid9606[ORGN] or TXID10090 [Organism:exp] "), "9606,10090 - ");
  EXPECT_EQ(read("all[filter] NOT txid9606[orgn]"), " - 9606");
  EXPECT_EQ(read("all [filter]"), " - ");
  EXPECT_EQ(read("NOT txid9606[orgn] NOT txid7[orgn]"), " - 9606,7");
  EXPECT_EQ(read("(txid1[ORGN]OR txid2[ORGN]) OR txid3[ORGN] NOT (txid4[ORGN] OR txid5[ORGN])"),
            "1,2,3 - 4,5");
}

TEST(EntrezQuery, RefusalsNameTheTerm) {
  for (const auto& [text, words] :
       {std::pair{"biomol_mrna[prop]", "'biomol_mrna[prop]' needs NCBI's Entrez; only organisms are known"},
        {"txid9606[ORGN] AND srcdb_refseq[prop]", "'srcdb_refseq[prop]' needs NCBI's Entrez, for AND is not"},
        {"txid9606[ORGN] srcdb_refseq[prop]", "'srcdb_refseq[prop]'"},
        {"\"Homo sapiens\"[ORGN]",
         "'\"Homo sapiens\"[ORGN]' needs NCBI's Entrez, for names are not looked up"},
        {"txid9606[ORGN:noexp]",
         "'txid9606[ORGN:noexp]' needs NCBI's Entrez, for an organism here is one with"},
        {"txid2[ORGN] NOT txid3[ORGN] OR txid4[ORGN]", "'txid4[ORGN]' needs NCBI's Entrez where it stands"},
        {"txid2[ORGN] NOT", "a term is missing at the end"},
        {"(txid2[ORGN] NOT txid3[ORGN])", "'NOT' needs NCBI's Entrez, for inside parentheses only OR"},
        {"(txid2[ORGN]", "'(' needs NCBI's Entrez, for inside parentheses only OR"},
        {"all[filter] OR txid2[ORGN]", "behind all[filter] only NOT"},
        {"txid0[ORGN]", "'txid0[ORGN]'"},
        {"txid99999999999[ORGN]", "'txid99999999999[ORGN]'"},
        {"human", "'human'"},
        {")", "')'"}})
    EXPECT_THAT(read(text), HasSubstr(words)) << text;
}

}  // namespace
}  // namespace loom::api
