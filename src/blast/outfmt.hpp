#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "blast/program.hpp"

namespace loom::blast {

/// What -outfmt asks for: "6", "7 delim=, std qlen", "17 SQ".
struct OutFormat {
  int number = 0;  ///< 0-18
  /// Formats 6, 7 and 10: the columns in order, `std` spelt out, each at most once, never empty. Other
  /// formats: empty.
  std::vector<std::string_view> columns;
  /// What stands between two columns in formats 6, 7 and 10. Other formats: empty.
  std::string delimiter;
  /// The words BLAST+ passes over without a sound, being no columns. Worth a warning.
  std::vector<std::string> ignored;
  /// Format 17: print the subject as reference (SR), with sequence data (SQ).
  bool sam_subject_is_reference = false;
  bool sam_sequences = false;

  [[nodiscard]] bool tabular() const { return number == 6 || number == 7 || number == 10; }
};

/// Reads `text` as BLAST+ does: spaces around it do not count, one space ends the number, and `delim=` counts
/// only right behind that space. `-column` takes a column out again; words that are no column are ignored; no
/// columns left means `std`. Errors: invalid_argument, for what BLAST+ refuses too (it exits with 1): no
/// number, a number that is no format, SAM for another program than blastn, `delim` without `=`.
Result<OutFormat> parse_outfmt(Program program, std::string_view text);

/// Every column of formats 6, 7 and 10, in the order of -help.
std::span<const std::string_view> tabular_columns();
/// The twelve that `std` stands for.
std::span<const std::string_view> standard_columns();

}  // namespace loom::blast
