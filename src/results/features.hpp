#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "results/hit_index.hpp"

namespace loom::results {

/// How HSPs become features of a sequence, or rows of alignments.
struct FeatureStyle {
  std::string program{};  ///< its plain name; empty: not known
  bool on_query = false;  ///< features lie on the query, and the subject is their target; else the other way
};

/// A line of GFF3 (The Sequence Ontology, version 1.26): score is the E-value, Target the other sequence.
/// What has no coordinates gives no line.
void write_gff3(const HspRow& row, const FeatureStyle& style, std::string& out);
/// A line of BED with six columns: positions from 0, the end excluded; score is the bit score, at most 1,000.
void write_bed(const HspRow& row, const FeatureStyle& style, std::string& out);

/// Rows of SAM 1.6 for nucleotide alignments, with the tags that BLAST+ writes (AS, BS, EV, NM, PI). Letters
/// outside of the alignment are clipped away. Of a query's rows the first is its primary one.
class SamRows {
 public:
  /// @HD and @PG, before and behind the @SQ lines.
  static std::string first_line();
  static std::string last_line(const FeatureStyle& style);
  /// Its @SQ line the first time, then nothing. Errors: invalid_argument without the subject's length.
  Status write_subject(const HspRow& row, std::string& out);
  /// Errors: invalid_argument for a row without coordinates or aligned sequences.
  Status write(const HspRow& row, std::string& out);

 private:
  std::vector<bool> told_;    // subjects
  std::vector<bool> placed_;  // queries with a primary row
};

}  // namespace loom::results
