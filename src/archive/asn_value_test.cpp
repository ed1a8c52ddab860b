#include "archive/asn_value.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "archive/engine_under_test.hpp"
#include "archive/seq_id.hpp"

namespace loom::archive {
namespace {

TEST(AsnValue, ReadsRealsToTheLastDigit) {
  const std::vector<std::pair<std::string_view, double>> cases{
      {"{ 197073276011232, 10, -52 }", 197073276011232e-52},
      {"{ 0, 10, 0 }", 0.0},
      {"{ -1, 10, 1 }", -10.0},
      {"{ 1, 10, -300 }", 1e-300}};
  for (const auto& [text, value] : cases) {
    Scanner scanner(pull_text(text), "f");
    EXPECT_EQ(read_real(scanner).value(), value) << text;
  }
  for (const std::string_view text :
       {"{ 1, 2, 1 }", "{ 1, 10 }", "{ x, 10, 1 }", "{ 1, 10, 999999 }", "{ 1, 10, 1, 1 }", "7"}) {
    Scanner scanner(pull_text(text), "f");
    const auto real = read_real(scanner);
    ASSERT_FALSE(real) << text;
    EXPECT_EQ(real.error().code, Code::corrupt);
  }
}

TEST(AsnValue, SpellsIdsAsFasta) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"local str \"Query_1\"", "lcl|Query_1"},
      {"local id 7", "lcl|7"},
      {"gi 129295", "gi|129295"},
      {"gibbsq 12", "bbs|12"},
      {"general { db \"BL_ORD_ID\", tag id 17 }", "gnl|BL_ORD_ID|17"},
      {"general { db \"mydb\", tag str \"a\" }", "gnl|mydb|a"},
      {R"(swissprot { name "N", accession "P1", release "reviewed", version 2 })", "sp|P1.2|N"},
      {R"(swissprot { name "N", accession "P1", release "unreviewed" })", "tr|P1|N"},
      {"pdb { mol \"1ABC\", chain 65, chain-id \"A\" }", "pdb|1ABC|A"},
      {"pir { name \"S16356\" }", "pir||S16356"},
      {"other { accession \"NP_1\", version 1 }", "ref|NP_1.1|"},
      {R"(patent { seqid 1, cit { country "US", id number "RE33188" } })", "pat|US|RE33188|1"},
      {R"(patent { seqid 2, cit { country "EP", id app-number "99" } })", "pgp|EP|99|2"}};
  for (const auto& [text, id] : cases) {
    Scanner scanner(pull_text(text, 3), "f");
    const auto read = read_seq_id(scanner);
    ASSERT_TRUE(read) << text << read.error().message;
    EXPECT_EQ(read->text, id);
    EXPECT_EQ(read->oid.has_value(), id == "gnl|BL_ORD_ID|17");
  }
  for (const std::string_view text : {"colour { name \"x\" }", "colour 7", "7", "local {"}) {
    Scanner scanner(pull_text(text), "f");
    EXPECT_FALSE(read_seq_id(scanner)) << text;
  }
}

TEST(AsnValue, BlastFindsTheIdsItPrinted) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  for (const std::string_view id : {"lcl|Query_2", "sp|P10007|NAME7"})
    EXPECT_TRUE(engine.run("blastdbcmd -db pid -entry '" + std::string(id) + "' | grep -q '>'")) << id;
}

TEST(AsnValue, BreaksStringsAsBlastDoes) {
  LOOM_NEEDS_BLAST();
  const Engine& engine = Engine::instance();
  std::string queries;
  for (int i = 0; i < 150; ++i) {
    queries += ">q" + std::string(static_cast<std::size_t>(i), 'y') + (i % 3 == 0 ? " it's \"\"a" : "  ");
    for (int word = 0; word < 20; ++word)
      queries += (word % 4 == 0 ? "\"" : " ") + std::string(static_cast<std::size_t>(i * word * 7 % 41), 'w');
    queries += "\nMKVLAWDEFGHIKLMNPQRST\n";
  }
  engine.write("wrap.fa", queries);
  const std::string text = engine.search("blastp -query wrap.fa -db p -outfmt 11");
  Scanner scanner(pull_text(text), "f");
  int broken = 0;
  while (scanner.next() != TokenKind::end) {
    ASSERT_NE(scanner.token().kind, TokenKind::broken) << scanner.error().message;
    if (scanner.token().kind != TokenKind::string) continue;
    const std::string printed(scanner.token().text);
    broken += printed.find('\n') != std::string::npos ? 1 : 0;
    const std::size_t column = scanner.column();
    ASSERT_EQ(print_string(string_value(scanner).value(), column), printed);
  }
  EXPECT_GT(broken, 250);
}

}  // namespace
}  // namespace loom::archive
