#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "results/filter.hpp"
#include "taxonomy/taxonomy.hpp"

namespace loom::results {

/// By `blast` in BLAST's order; by evalue the least first; by all others the greatest first. Ties are in
/// BLAST's order. Of queries: blast, hits, evalue; of subjects: blast (as they were met), hits (queries that
/// hit them), evalue, bitscore; of hits and HSPs: all but hits.
enum class Sort : std::uint8_t { blast, evalue, bitscore, pident, length, coverage, hits };
/// Errors: invalid_argument, which names those there are.
Result<Sort> parse_sort(std::string_view text);

struct PageRequest {
  Filter filter{};
  std::optional<std::int64_t> query{};  ///< of this query only
  Sort sort = Sort::blast;
  std::string find{};  ///< of queries and subjects: a piece of name or title, whatever its case
  std::optional<std::int64_t> taxid{};  ///< of subjects: exactly this
  std::optional<std::int64_t> clade{};  ///< of subjects: this taxid or one below it
  std::vector<std::int64_t> select{};   ///< of hits: only these ids; empty: all
  std::optional<bool> with_hits{};      ///< of queries: only those with hits, or only those without
  std::string after{};                  ///< the `next` of the page before; only with the same other members
  std::size_t limit = 50;               ///< 0: the total only
  std::size_t hsps_per_hit = 100;
  bool alignments = false;                                      ///< with qseq and sseq
  std::optional<std::pair<std::int64_t, std::int64_t>> hsps{};  ///< ids of HSPs, first and last
};

/// How pages are looked for.
struct PageEffort {
  /// How long a filtered page is looked for along its sort.
  Duration patience = std::chrono::milliseconds(8);
  /// So many rows are counted while their first page is looked for in columns.
  std::uint64_t scanned_rows = 20'000'000;
};

/// Where the lineages of filters by clade come from. Errors: what is missing, and what to do about it.
using OpenTaxonomy = std::function<Result<std::shared_ptr<const taxonomy::Taxonomy>>()>;

}  // namespace loom::results
