#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "blast/engine_under_test.hpp"
#include "blast/options.hpp"
#include "blast/outfmt.hpp"
#include "testkit/level.hpp"

// What BLAST+ accepts, we accept; what it refuses, we refuse: asked of the installed programs, argument by
// argument.
namespace loom::blast {
namespace {
using Args = std::vector<std::string>;

std::string shown(Program program, const Args& args) {
  return fmt::format("{} [{}]", name(program), fmt::join(args, "] ["));
}

/// "-evalue|1" is the arguments "-evalue" and "1".
Args arguments(std::string_view line) {
  Args args;
  for (auto bar = line.find('|'); bar != std::string_view::npos; bar = line.find('|')) {
    args.emplace_back(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  args.emplace_back(line);
  return args;
}

/// -dryrun makes BLAST+ read its arguments and stop: exit code 0 if it accepts them.
void expect_agreement(Program program, const Args& args) {
  const auto ours = parse_options(program, args);
  if (!testkit::asks_the_engine()) return;
  Args dry{"-dryrun"};
  dry.insert(dry.end(), args.begin(), args.end());
  const bool engine_accepts = run_engine(program, dry).exit_code == 0;
  EXPECT_EQ(ours.has_value(), engine_accepts)
      << shown(program, args) << (ours ? "" : "\n  we refuse it: " + ours.error().message);
}

TEST(EngineAgreement, Integers) {
  for (const auto* value : {"5",
                            "+5",
                            "-5",
                            " 5",
                            "5 ",
                            "5.",
                            "1e3",
                            "1K",
                            "1,000",
                            "010",
                            "",
                            "+",
                            "+-5",
                            "++5",
                            "0x",
                            "0x10",
                            "0X1f",
                            "0xG",
                            "+0x1",
                            "-0x1",
                            "0x-1",
                            "0xFFFFFFFF",
                            "2147483647",
                            "2147483648",
                            "-2147483648",
                            "-2147483649",
                            "9223372036854775808"})
    expect_agreement(Program::blastp, {"-gapopen", value});
  for (const auto* value : {"9223372036854775807", "9223372036854775808", "-1", "1M", "0x7FFFFFFFFFFFFFFF",
                            "0x8000000000000000", "1e9"})
    expect_agreement(Program::blastp, {"-dbsize", value});
}

TEST(EngineAgreement, Ranges) {
  for (const auto* value : {"0", "1", "-1", "0x0", "0x10"})
    expect_agreement(Program::blastp, {"-max_hsps", value});
  for (const auto* value : {"3", "4", "-4"}) expect_agreement(Program::blastn, {"-word_size", value});
  for (const auto* value : {"0", "-1", "1"}) expect_agreement(Program::blastn, {"-penalty", value});
  for (const auto* value : {"0", "4", "5", "0x3", "-0"})
    expect_agreement(Program::tblastx, {"-sorthits", value});
  for (const auto* value : {"0", "-1"}) expect_agreement(Program::rpsblast, {"-num_threads", value});
  for (const auto* value : {"0", "-1"}) expect_agreement(Program::blastp, {"-searchsp", value});
}

TEST(EngineAgreement, Reals) {
  for (const auto* value : {"1e-5", "1E5",  ".5",    "5.", "+5",  "-5",    " 5",     "5 ", "inf",  "-inf",
                            "nan",  "+nan", "0x1p3", "0x", "1,5", "1e999", "1e-999", "",   "1e",   "1.5E",
                            "1e+",  "1e1e", "e5",    ".",  "-.",  ".e1",   "1d5",    "1f", "1.2.3"})
    expect_agreement(Program::blastp, {"-evalue", value});
  for (const auto* value : {"0", "-0", "100", "100.0001", "0x64", "0x65", "+nan", "-inf", "1e-400", "1e400"})
    expect_agreement(Program::blastn, {"-perc_identity", value});
  for (const auto* value : {"0", "0.5", "0.4999", "1e-300"})
    expect_agreement(Program::blastx, {"-best_hit_overhang", value});
}

TEST(EngineAgreement, BooleansAndChoices) {
  for (const auto* value :
       {"true", "FALSE", "t", "F", "1", "0", "yes", "No", "y", "n", "on", "", "tr", "true ", "2"})
    expect_agreement(Program::blastp, {"-soft_masking", value});
  for (const auto* value : {"blastp", "blastp-fast", "BLASTP", "blastp ", "", "megablast"})
    expect_agreement(Program::blastp, {"-task", value});
  for (const auto* value : {"both", "Both", ""}) expect_agreement(Program::blastn, {"-strand", value});
  for (const auto* value : {"1", "6", "7", "8", "9", "16", "17", "20", "21", "31", "32", "33", "34", "+1",
                            "01", " 1", "0x1", "0x10", "-1"})
    expect_agreement(Program::blastx, {"-query_gencode", value});
  for (const auto* value : {"16", "+16", "016", "17", "0x10"})
    expect_agreement(Program::blastn, {"-template_length", value, "-template_type", "coding"});
}

TEST(EngineAgreement, FormOfTheCommandLine) {
  expect_agreement(Program::blastp, {});
  expect_agreement(Program::blastp, {""});
  for (const auto* line : {"-evalue=1",
                           "--evalue|1",
                           "--evalue=1",
                           "-evalue=",
                           "-evalue=1=2",
                           "-matrix=",
                           "-matrix==",
                           "-evalue",
                           "-evalu|1",
                           "-EVALUE|1",
                           "-evalue |1",
                           "-evalue:1",
                           "-evalue1",
                           "-evalue|1|-evalue|2",
                           "-evalue|1|-evalue=1",
                           "-html",
                           "-html|-html",
                           "-html=",
                           "-html=no",
                           "-html|yes",
                           "-evalue|-html",
                           "-query|-html",
                           "-query|-db|-db|x",
                           "-query|",
                           "-db|",
                           "-out|",
                           "-outfmt|6 std qlen",
                           "foo",
                           "-",
                           "--",
                           "-html|--",
                           "--|-html",
                           "--|--",
                           "-=",
                           "=",
                           "-task|blastp-fast",
                           "-num_iterations|2",
                           "-h=1",
                           "-help="})
    expect_agreement(Program::blastp, arguments(line));
}

TEST(EngineAgreement, Combinations) {
  expect_agreement(Program::blastp, {"-mt_mode", "1"});
  expect_agreement(Program::rpsblast, {"-mt_mode", "1"});
  expect_agreement(Program::blastp, {"-mt_mode", "1", "-num_threads", "1"});
  expect_agreement(Program::blastp, {"-culling_limit", "1", "-best_hit_overhang", "0.1"});
  expect_agreement(Program::blastp, {"-best_hit_score_edge", "0.1", "-best_hit_overhang", "0.1"});
  expect_agreement(Program::blastp, {"-max_target_seqs", "5", "-num_alignments", "5"});
  expect_agreement(Program::blastp, {"-num_descriptions", "5", "-num_alignments", "5"});
  expect_agreement(Program::blastp, {"-db", "x", "-subject", "y"});
  expect_agreement(Program::blastp, {"-taxids", "9606", "-gilist", "y"});
  expect_agreement(Program::blastp, {"-remote", "-num_threads", "1"});
  expect_agreement(Program::rpstblastn, {"-remote", "-num_threads", "1"});
  expect_agreement(Program::blastp, {"-entrez_query", "x"});
  expect_agreement(Program::blastp, {"-entrez_query", "x", "-remote"});
  expect_agreement(Program::blastn, {"-template_type", "coding"});
  expect_agreement(Program::psiblast, {"-in_pssm", "x", "-query", "y"});
  expect_agreement(Program::psiblast, {"-in_pssm", "x", "-remote"});
  expect_agreement(Program::tblastn, {"-in_pssm", "x", "-remote"});
  expect_agreement(Program::psiblast, {"-ignore_msa_master"});
  expect_agreement(Program::psiblast, {"-ignore_msa_master", "-in_msa", "x"});
  expect_agreement(Program::deltablast, {"-show_domain_hits", "-subject", "x"});
  expect_agreement(Program::blastn, {"-import_search_strategy", "x", "-export_search_strategy", "y"});
}

/// A search of one protein against itself, with all that -outfmt may say.
class OutfmtAgreement : public testing::Test {
 protected:
  OutfmtAgreement() {
    std::ofstream(path_) << ">q1 first\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG\n";
  }
  ~OutfmtAgreement() override { std::filesystem::remove(path_); }
  OutfmtAgreement(const OutfmtAgreement&) = delete;
  OutfmtAgreement& operator=(const OutfmtAgreement&) = delete;

  EngineRun search(const std::string& outfmt) {
    return run_engine(Program::blastp, {"-query", path_, "-subject", path_, "-outfmt", outfmt});
  }

  std::string path_ =
      (std::filesystem::temp_directory_path() / fmt::format("outfmt_{}.fa", ::getpid())).string();
};

TEST_F(OutfmtAgreement, AcceptsWhatTheEngineAccepts) {
  for (const auto* text :
       {"",         " ",       "0",         "18",      "19",       "20",        "17",  "17 SQ",
        "-1",       "06",      "+6",        "+-6",     " 6",       "6 ",        "6\t", "\n6",
        "6.",       "6x",      "0x6",       "6;",      "6,std",    "6\nqseqid", "a",   "2147483648",
        "0 qseqid", "0 delim", "5 foo bar", "6 delim", "6 delimx", "6 delim="}) {
    const auto format = parse_outfmt(Program::blastp, text);
    if (!testkit::asks_the_engine()) continue;
    EXPECT_EQ(format.has_value(), search(text).exit_code == 0) << "'" << text << "'";
  }
}

TEST_F(OutfmtAgreement, ReadsColumnsAndDelimiterAsTheEngineDoes) {
  for (const auto* text : {"6",
                           "6 std std",
                           "6 std qlen",
                           "6  std",
                           "6 std,qlen",
                           "6 foo",
                           "6 qseqid foo",
                           "6 std -evalue",
                           "6 -evalue",
                           "6 -std",
                           "6 std -std qlen",
                           "6 qlen -qlen",
                           "6 qseqid qseqid",
                           "6 QSEQID",
                           "6 delim=, std",
                           "6 delim=@",
                           "6 delim=",
                           "6 delim= std",
                           "6 delim=ab qseqid sseqid",
                           "6 delimiter=, qseqid sseqid",
                           "6 qseqid sseqid delim=,",
                           "10 qseqid sseqid",
                           "10 delim=; qseqid sseqid",
                           "10  delim=@ qseqid sseqid",
                           "6 delim=a=b qseqid sseqid",
                           "6 delim==",
                           "6 qseqid\tsseqid",
                           "6 qseqid\nsseqid",
                           "7 delim=, qlen slen",
                           "7 qlen slen"}) {
    SCOPED_TRACE(text);
    const auto format = parse_outfmt(Program::blastp, text);
    ASSERT_TRUE(format);
    if (!testkit::asks_the_engine()) continue;
    const bool default_delimiter = format->delimiter == (format->number == 10 ? "," : "\t");
    const auto plain =
        fmt::format("{}{} {}", format->number, default_delimiter ? "" : " delim=" + format->delimiter,
                    fmt::join(format->columns, " "));
    const auto said = search(text);
    EXPECT_NE(said.out, "");
    EXPECT_EQ(said.out, search(plain).out) << plain;
  }
}

TEST_F(OutfmtAgreement, EveryColumnPrintsOneField) {
  std::string all = "6 delim=|||";
  for (const auto column : tabular_columns()) all += fmt::format(" {}", column);
  const auto line = search(all).out;
  std::size_t fields = 1;
  for (auto at = line.find("|||"); at != std::string::npos; at = line.find("|||", at + 3)) ++fields;
  EXPECT_EQ(fields, tabular_columns().size()) << line;
}

TEST(EngineAgreement, HelpIsTheEnginesOwn) {
  for (const auto* line :
       {"-h", "-help", "-version", "-version-full", "-xmlhelp", "-query|-version", "foo|-version",
        "-evalue|1|-h", "-h|-evalu|1", "-h=1", "-html|-help|foo", "-query|-help|-db|/nowhere",
        "-query|/dev/null|-db|/nowhere", "foo|-h", "-evalu|1|-h", "--help"}) {
    const Args args = arguments(line);
    if (!testkit::asks_the_engine()) continue;
    const EngineRun run = run_engine(Program::blastp, args);
    const bool printed = run.exit_code == 0 && !run.out.empty();
    EXPECT_EQ(asks_for_help(Program::blastp, args), printed) << shown(Program::blastp, args);
  }
}

}  // namespace
}  // namespace loom::blast
