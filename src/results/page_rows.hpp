#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loom::results {

// Indexes and ids count from 0, in BLAST's order. Texts hold the digits that BLAST printed. What the output
// did not tell is nullopt, or an empty text.

struct Query {
  std::int64_t index = 0;
  std::string name;
  std::string title;  ///< the whole definition line
  int iteration = 1;  ///< of PSI-BLAST
  std::optional<std::int64_t> length;
  std::int64_t hits = 0;
  std::int64_t hsps = 0;
  std::string evalue;    ///< the least; empty without hits
  std::string bitscore;  ///< the greatest
  std::string best_subject;
  std::string best_title;
};

struct Subject {
  std::int64_t id = 0;
  std::string name;
  std::string title;
  std::string taxids;   ///< "9606;10090"; "N/A" or "0" without
  std::string sciname;  ///< empty without
  std::optional<std::int64_t> length;
};

struct Hsp {
  std::int64_t id = 0;
  std::int64_t hit = 0;
  std::int64_t query = 0;
  std::int64_t subject = 0;
  std::string evalue;
  std::string bitscore;
  std::string pident;
  std::int64_t length = 0;
  std::optional<std::int64_t> coverage{};  ///< percent of the query
  std::optional<std::int64_t> mismatch, gapopen, qstart, qend, sstart, send, score, nident, positive, gaps,
      qframe, sframe;
  std::string others;  ///< the cells of HitIndex::others(), with tabs between them
  std::string qseq;    ///< on demand, if they are there
  std::string sseq;
};

/// What an HSP belongs to, by name.
struct HspRow {
  Hsp hsp;
  Query query;
  Subject subject;
};

struct Hit {
  std::int64_t id = 0;
  std::int64_t index = 0;  ///< within its query
  std::int64_t query = 0;
  std::string query_name;
  Subject subject;
  std::string evalue;    ///< the least
  std::string bitscore;  ///< the greatest
  std::string total;     ///< of all bit scores
  std::string pident;    ///< of the HSP with the greatest bit score
  double max_pident = 0;
  std::int64_t length = 0;                 ///< of the longest alignment
  std::optional<std::int64_t> coverage{};  ///< percent of the query, as the union over the HSPs
  std::int64_t hsp_count = 0;
  std::int64_t first_hsp = 0;
  std::vector<Hsp> hsps;  ///< the first of them
};

struct SubjectTotal {
  Subject subject;
  std::int64_t queries = 0;
  std::int64_t hsps = 0;
  double evalue = 0;
  double bitscore = 0;
};

/// A hit as counts of all hits need it; the texts live until the call returns.
struct HitBrief {
  std::int64_t query = 0;
  std::int64_t subject = 0;
  double bits = 0;
  std::string_view evalue;
  std::string_view bitscore;
  std::string_view taxids;
  std::string_view sciname;
};

/// What is counted of a hit, and whether the filter allows it.
struct HitNumbers {
  double evalue = 0;
  double pident = 0;
  std::int64_t length = 0;
  std::int64_t coverage = 0;
  bool passes = false;
};

template <class Row>
struct Page {
  std::vector<Row> rows;
  /// How many there are on all pages. With a limit of 0 always; else on the first page, if they were counted
  /// within 15 ms.
  std::optional<std::uint64_t> total;
  std::string next;  ///< empty on the last page
};

}  // namespace loom::results
