#include "results/any_hits.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace loom::results {
namespace {

std::optional<bool> shows(std::string_view outfmt, std::string_view text, std::size_t piece) {
  const auto format = blast::parse_outfmt(blast::Program::blastn, outfmt).value();
  const auto read = [text, piece](std::span<char> into) mutable -> Result<std::size_t> {
    const std::size_t count = std::min({text.size(), into.size(), piece});
    text.copy(into.data(), count);
    text.remove_prefix(count);
    return count;
  };
  return shows_hits(format, read).value();
}

TEST(AnyHits, IsTrueToWhatStandsThere) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
    EXPECT_EQ(shows("6", "q\ts\t1\n", piece), true);
    EXPECT_EQ(shows("6", "\nSearch has CONVERGED!\n", piece), false);
    EXPECT_EQ(shows("6", "", piece), false);
    EXPECT_EQ(shows("7", "# BLASTN\n# 0 hits found\n", piece), false);
    EXPECT_EQ(shows("7", "# BLASTN\n# 1 hits found\nq\ts\n", piece), true);
    EXPECT_EQ(shows("17", "@HD\tVN:1.2\n", piece), false);
    EXPECT_EQ(shows("17", "@HD\tVN:1.2\nq\t0\n", piece), true);
    EXPECT_EQ(shows("5", "<Iteration_hits>\n</Iteration_hits>", piece), false);
    EXPECT_EQ(shows("5", "<Iteration_hits>\n<Hit>\n", piece), true);
    EXPECT_EQ(shows("15", "\"hits\": [\n\n], \"message\": \"No hits found\"", piece), false);
    EXPECT_EQ(shows("0", "\n***** No hits found *****\n", piece), false);
    EXPECT_EQ(shows("0", "E\nSequences producing significant alignments:\n", piece), true);
    EXPECT_EQ(shows("11", "Blast4-archive", piece), std::nullopt);
  }
}

}  // namespace
}  // namespace loom::results
