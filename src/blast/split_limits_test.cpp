#include "blast/split_limits.hpp"

#include <gtest/gtest.h>

namespace loom::blast {
namespace {
using Args = std::vector<std::string>;

/// "SB": shards and batches allowed; "-B": batches only; "--": neither.
std::string allowed(Program program, const Args& args) {
  const auto options = parse_options(program, args);
  EXPECT_TRUE(options) << (options ? "" : options.error().message);
  const auto limits = split_limits(*options);
  return std::string(allows_shards(limits) ? "S" : "-") + (allows_batches(limits) ? "B" : "-");
}

TEST(SplitLimits, OrdinarySearchesMayBeCutBothWays) {
  EXPECT_EQ(allowed(Program::blastp, {}), "SB");
  EXPECT_EQ(allowed(Program::blastp, {"-db_soft_mask", "21"}), "SB");
  EXPECT_EQ(
      allowed(Program::blastn, {"-lcase_masking", "-query_loc", "1-50", "-max_hsps", "1", "-dbsize", "5"}),
      "SB");
}

TEST(SplitLimits, HitsComparedAcrossSubjectsForbidShards) {
  EXPECT_EQ(allowed(Program::blastp, {"-culling_limit", "2"}), "-B");
  EXPECT_EQ(allowed(Program::blastp, {"-culling_limit", "0"}), "SB") << "0 switches culling off";
  EXPECT_FALSE(allows_threads(*parse_options(Program::blastp, Args{"-culling_limit", "2"})));
  EXPECT_TRUE(allows_threads(*parse_options(Program::blastp, Args{"-culling_limit", "0"})));
  EXPECT_FALSE(allows_threads(*parse_options(Program::blastp, Args{"-use_sw_tback"})));
  EXPECT_TRUE(allows_threads(*parse_options(Program::blastp, Args{"-max_target_seqs", "5"})));
  EXPECT_EQ(allowed(Program::blastp, {"-best_hit_overhang", "0.1"}), "-B");
}

TEST(SplitLimits, ProgramsAndRounds) {
  EXPECT_EQ(allowed(Program::rpsblast, {}), "-B");
  EXPECT_EQ(allowed(Program::deltablast, {}), "-B");
  EXPECT_EQ(allowed(Program::psiblast, {"-num_iterations", "1"}), "SB");
  EXPECT_EQ(allowed(Program::psiblast, {"-num_iterations", "0"}), "-B");
  EXPECT_EQ(allowed(Program::psiblast, {"-out_pssm", "x"}), "--");
  EXPECT_EQ(allowed(Program::blastn, {"-use_index", "F"}), "SB");
  EXPECT_EQ(allowed(Program::blastn, {"-use_index", "yes"}), "-B");
}

TEST(SplitLimits, WholeRunFilesAndRemoteForbidBoth) {
  EXPECT_EQ(allowed(Program::blastp, {"-remote"}), "--");
  EXPECT_EQ(allowed(Program::blastp, {"-export_search_strategy", "x"}), "--");
  EXPECT_EQ(allowed(Program::blastp, {"-subject", "x"}), "--");
  EXPECT_EQ(allowed(Program::tblastn, {"-in_pssm", "x"}), "--");
}

TEST(SplitLimits, EachNamesItsCause) {
  const auto limits = split_limits(*parse_options(Program::rpsblast, Args{"-culling_limit", "1"}));
  ASSERT_EQ(limits.size(), 2U);
  EXPECT_EQ(limits[0].cause, "rpsblast");
  EXPECT_EQ(limits[1].cause, "culling_limit");
  EXPECT_EQ(limits[1].why, "it compares hits across subjects");
}

}  // namespace
}  // namespace loom::blast
