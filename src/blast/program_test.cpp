#include "blast/program.hpp"

#include <gtest/gtest.h>

namespace loom::blast {
namespace {

TEST(Program, NamesReadBackAsThemselves) {
  for (const Program program : kPrograms) EXPECT_EQ(*parse_program(name(program)), program);
  EXPECT_EQ(*parse_program("rpsblast+"), Program::rpsblast);
}

TEST(Program, ASlipGetsTheNearestName) {
  EXPECT_EQ(parse_program("blasp").error().message, "unknown program 'blasp'; did you mean blastp?");
  EXPECT_EQ(parse_program("tblastm").error().message, "unknown program 'tblastm'; did you mean tblastn?");
  EXPECT_EQ(parse_program("BLASTP").error().code, Code::invalid_argument);
  EXPECT_EQ(parse_program("grep").error().message,
            "unknown program 'grep'; the programs are blastn, blastp, blastx, tblastn, tblastx, psiblast, "
            "deltablast, "
            "rpsblast, rpstblastn");
  EXPECT_FALSE(parse_program(std::string(1'000'000, 'b')));
}

TEST(Program, Molecules) {
  struct Row {
    Program program;
    Molecule query;
    DatabaseKind database;
  };
  using enum Program;
  constexpr auto kDna = Molecule::nucleotide;
  constexpr auto kProtein = Molecule::protein;
  const Row rows[] = {
      {blastn, kDna, DatabaseKind::nucleotide},      {blastp, kProtein, DatabaseKind::protein},
      {blastx, kDna, DatabaseKind::protein},         {tblastn, kProtein, DatabaseKind::nucleotide},
      {tblastx, kDna, DatabaseKind::nucleotide},     {psiblast, kProtein, DatabaseKind::protein},
      {deltablast, kProtein, DatabaseKind::protein}, {rpsblast, kProtein, DatabaseKind::profile},
      {rpstblastn, kDna, DatabaseKind::profile}};
  ASSERT_EQ(std::size(rows), kPrograms.size());
  for (const Row& row : rows) {
    SCOPED_TRACE(name(row.program));
    EXPECT_EQ(query_molecule(row.program), row.query);
    EXPECT_EQ(database_kind(row.program), row.database);
  }
}

TEST(Program, SetsAddAndTakeAway) {
  constexpr Programs kBoth = Program::blastn | Program::blastp;
  static_assert(kBoth.has(Program::blastn) && kBoth.has(Program::blastp) && !kBoth.has(Program::blastx));
  static_assert((kBoth - Program::blastn) == Programs(Program::blastp));
  static_assert(kBoth.overlaps(Program::blastp) && !kBoth.overlaps(Program::tblastx));
  static_assert((kBoth - kBoth).empty());
  EXPECT_EQ(executable_names(Program::blastp).front(), "blastp");
  EXPECT_EQ(executable_names(Program::rpsblast).size(), 2U) << "Debian's rpsblast is a legacy wrapper";
}

}  // namespace
}  // namespace loom::blast
