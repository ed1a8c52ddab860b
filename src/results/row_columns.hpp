#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "results/page_rows.hpp"
#include "results/sqlite_file.hpp"

namespace loom::results {

inline constexpr std::string_view kQueryColumns =
    "q.id, q.name, q.title, q.iteration, q.length, q.hits, q.hsps, q.evalue_text, q.bits_text";
inline constexpr std::string_view kHitColumns =
    "t.id, t.id - q.first_hit, t.query, q.name, t.evalue_text, t.bits_text, t.total_text, t.pident_text, "
    "t.max_pident, t.length, t.coverage, t.hsps, t.first_hsp";
inline constexpr std::string_view kTotalColumns = "t.queries, t.hsps, t.evalue, t.bits";
inline constexpr std::string_view kSubjectColumns = "s.id, s.name, s.title, s.taxids, s.sciname, s.length";

/// Takes the columns of a row from left to right.
class Columns {
 public:
  explicit Columns(const SqliteStatement& row, int first = 0) : row_(row), next_(first) {}
  std::string text() { return std::string(row_.text_at(next_++)); }
  std::int64_t integer() { return row_.integer_at(next_++); }
  std::int64_t index() { return integer() - 1; }  // ids of the file count from 1
  std::optional<std::int64_t> maybe() { return row_.maybe_at(next_++); }
  double real() { return row_.real_at(next_++); }

 private:
  const SqliteStatement& row_;
  int next_;
};

/// The columns that are next in `row`: kQueryColumns of query q, kSubjectColumns of subject s, and
/// those of hsp_source(). Without `covers` the coverage is not known.
Query take_query(Columns& row);
Subject take_subject(Columns& row);
/// kHitColumns of hit t and its query q, and kSubjectColumns; without its HSPs.
Hit take_hit(Columns& row, bool covers);
/// kSubjectColumns, and kTotalColumns of subject_total t.
SubjectTotal take_total(Columns& row);
Hsp take_hsp(Columns& row, bool covers, bool alignments);

/// What follows SELECT for HSPs t, with the aligned sequences or without.
std::string hsp_source(bool alignments);

}  // namespace loom::results
