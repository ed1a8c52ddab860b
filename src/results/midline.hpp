#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loom::results {

/// What BLAST+ prints between two aligned sequences of equal length: of nucleotides (`matrix` is empty) '|'
/// where letters are the same; of proteins the letter where they are the same, '+' where the matrix gives
/// the pair more than 0. `matrix`: BLOSUM45, 50, 62, 80, 90, PAM30, 70 or 250; another is taken for BLOSUM62.
std::string midline(std::string_view query, std::string_view subject, std::string_view matrix);

/// A run of columns without a gap. Positions count from 1; of a minus strand or frame the first is the
/// greater.
struct Segment {
  std::int64_t column = 0;  ///< from 0
  std::int64_t length = 0;  ///< in columns
  std::int64_t qstart = 0;
  std::int64_t qend = 0;
  std::int64_t sstart = 0;
  std::int64_t send = 0;
};

/// Where one of two aligned sequences begins and ends, in its own letters.
struct Span {
  std::int64_t start = 0;
  std::int64_t end = 0;
};

/// The runs of an alignment. A translated sequence has three letters for each column, which its span tells.
std::vector<Segment> segments(std::string_view query, std::string_view subject, Span query_span,
                              Span subject_span);

}  // namespace loom::results
