#include "results/blast_xml.hpp"

#include <gtest/gtest.h>

namespace loom::results {
namespace {

// As BLAST+ 2.12 writes it (blastx, shortened).
constexpr std::string_view kXml = R"(<?xml version="1.0"?>
<!DOCTYPE BlastOutput PUBLIC "-//NCBI//NCBI BlastOutput/EN" "http://www.ncbi.nlm.nih.gov/dtd/NCBI_BlastOutput.dtd">
<BlastOutput>
  <BlastOutput_program>blastx</BlastOutput_program>
  <BlastOutput_db>proteins_2k</BlastOutput_db>
  <BlastOutput_iterations>
<Iteration>
  <Iteration_iter-num>1</Iteration_iter-num>
  <Iteration_query-ID>Query_1</Iteration_query-ID>
  <Iteration_query-def>contig &lt;1&gt; &#x3b1;</Iteration_query-def>
  <Iteration_query-len>30</Iteration_query-len>
<Iteration_hits>
<Hit>
  <Hit_num>1</Hit_num>
  <Hit_id>tr|B3V090|B3V090_9VIRU</Hit_id>
  <Hit_def>Replicase</Hit_def>
  <Hit_accession>B3V090</Hit_accession>
  <Hit_len>80</Hit_len>
  <Hit_hsps>
    <Hsp>
      <Hsp_num>1</Hsp_num>
      <Hsp_bit-score>12.5</Hsp_bit-score>
      <Hsp_score>31</Hsp_score>
      <Hsp_evalue>1.25e-03</Hsp_evalue>
      <Hsp_query-from>1</Hsp_query-from>
      <Hsp_query-to>12</Hsp_query-to>
      <Hsp_hit-from>5</Hsp_hit-from>
      <Hsp_hit-to>8</Hsp_hit-to>
      <Hsp_query-frame>-1</Hsp_query-frame>
      <Hsp_hit-frame>0</Hsp_hit-frame>
      <Hsp_identity>3</Hsp_identity>
      <Hsp_positive>3</Hsp_positive>
      <Hsp_gaps>1</Hsp_gaps>
      <Hsp_align-len>5</Hsp_align-len>
      <Hsp_qseq>MK-VA</Hsp_qseq>
      <Hsp_hseq>MKAVC</Hsp_hseq>
      <Hsp_midline>MK V </Hsp_midline>
    </Hsp>
  </Hit_hsps>
</Hit>
</Iteration_hits>
</Iteration>
<Iteration>
  <Iteration_query-def>nothing</Iteration_query-def>
  <Iteration_hits></Iteration_hits>
</Iteration>
</BlastOutput_iterations>
</BlastOutput>
)";

std::string tabular(std::string_view xml, std::size_t piece) {
  BlastXml reader;
  std::string out;
  for (std::size_t at = 0; at < xml.size(); at += piece)
    if (const Status taken = reader.push(xml.substr(at, piece), out); !taken)
      return "! " + taken.error().message;
  const Status whole = reader.finish();
  return whole ? out : "! " + whole.error().message;
}

TEST(BlastXml, BecomesTabularOutput) {
  EXPECT_EQ(
      tabular(kXml, 100'000),
      "# Query: contig <1> \xCE\xB1\n"
      "contig\tB3V090\t60.000\t5\t1\t1\t12\t1\t5\t8\t1.25e-03\t12.5\t30\t80\t31\t3\t3\t1\t-1\t0\tMK-VA\tMKAVC"
      "\tReplicase\n"
      "# Query: nothing\n");
}

TEST(BlastXml, ReadsAnyPiecesAlike) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{50}})
    EXPECT_EQ(tabular(kXml, piece), tabular(kXml, 100'000)) << piece;
}

TEST(BlastXml, SaysWhatIsWrong) {
  const std::string cut(kXml.substr(0, 1500));
  EXPECT_EQ(tabular(cut.substr(0, cut.rfind('<')), 64).substr(0, 7), "! byte ");
  EXPECT_NE(tabular(cut.substr(0, cut.rfind('<')), 64).find("it is not whole"), std::string::npos);
  EXPECT_EQ(tabular("", 1), "! byte 0: there is no XML in it");
  EXPECT_NE(tabular("<html></html>", 5).find("its first element is 'html'"), std::string::npos);
  EXPECT_NE(tabular("<BlastOutput>&bomb;</BlastOutput>", 5).find("that XML does not have"),
            std::string::npos);
  EXPECT_NE(tabular("<!DOCTYPE x [<!ENTITY a \"b\">", 90).find("with rules"), std::string::npos);
  EXPECT_NE(tabular("<BlastOutput><Hsp></Hsp>", 90).find("an HSP without"), std::string::npos);
  std::string odd(kXml);
  odd.replace(odd.find("MKAVC"), 5, "MK");
  EXPECT_NE(tabular(odd, 90).find("whose Hsp_qseq has 5 letters, Hsp_hseq 2 and Hsp_align-len 5"),
            std::string::npos);
}

}  // namespace
}  // namespace loom::results
