#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "results/filter.hpp"
#include "results/index_file.hpp"
#include "results/page_memory.hpp"
#include "results/page_request.hpp"
#include "results/page_sql.hpp"

namespace loom::results {

/// Which rows a request is about, on all its pages.
struct Listing {
  PageTable table;
  std::optional<IdRange> ids{};  ///< only these
  Sql where{};
  std::optional<std::uint64_t> known_total{};
  // Of hits and HSPs only:
  std::int64_t table_rows = 0;  ///< wanted or not
  std::vector<Filter::Part> parts{};
  std::optional<ColumnSieve> sieve{};  ///< unset: there is no filter

  /// All ids that may be listed, of hits or HSPs.
  [[nodiscard]] IdRange range() const { return ids.value_or(IdRange(1, table_rows)); }
  [[nodiscard]] std::string key() const { return key_of({count_sql(table, ids, where.text), where.values}); }
};

/// Makes the listings of requests for one index. Thread-safe. Blocking: on disk. Errors: those of HitIndex.
class Listings {
 public:
  /// `file` and `memory` are borrowed.
  Listings(const IndexFile& file, PageMemory& memory, OpenTaxonomy taxonomy)
      : file_(file), memory_(memory), taxonomy_(std::move(taxonomy)) {}

  /// Of hits or HSPs.
  Result<Listing> rows(IndexReader& reader, Level level, const PageRequest& request);
  Result<Listing> queries(IndexReader& reader, const PageRequest& request) const;
  Result<Listing> subjects(IndexReader& reader, const PageRequest& request);

  /// The hits or HSPs of a query, which counts from 0; without any the first id is behind the last one.
  Result<IdRange> range_of_query(IndexReader& reader, Level level, std::int64_t query) const;
  /// The HSPs of a hit, which counts from 0.
  Result<IdRange> range_of_hit(IndexReader& reader, std::int64_t hit) const;

 private:
  [[nodiscard]] Status check_sort(Sort sort) const;
  Status apply(const Filter& asked, IndexReader& reader, Level level, Listing& listing);
  Status select(const std::vector<std::int64_t>& hits, Listing& listing) const;
  /// The taxids of the index that are in `clade`.
  Result<std::vector<std::int64_t>> members_of(IndexReader& reader, double clade) EXCLUDES(mutex_);
  Result<std::vector<std::int64_t>> all_taxids(IndexReader& reader) EXCLUDES(mutex_);
  Result<std::shared_ptr<const SubjectSet>> find_subjects(IndexReader& reader, const Sql& select);

  const IndexFile& file_;
  PageMemory& memory_;
  OpenTaxonomy taxonomy_;
  Mutex mutex_;
  std::optional<std::vector<std::int64_t>> taxids_ GUARDED_BY(mutex_);  // all of the file, once asked for
};

}  // namespace loom::results
