#pragma once
#include <cstdint>
#include <filesystem>
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
#include "results/index_builder.hpp"
#include "results/page_request.hpp"
#include "results/page_rows.hpp"

namespace loom::results {

class IndexFile;
class Listings;
class PageMemory;

/// The hits of one search, in pages. Thread-safe. Blocking: on disk. Memory: 8 MiB for each call at once.
/// Errors common to all: invalid_argument for a cursor of another request, a filter, or a query that is none;
/// a selected hit that is none; conflict for a clade without a taxonomy; timed_out past `deadline`; corrupt.
class HitIndex {
 public:
  /// Opens what build_index made; the file stays as it is while this object lives. Errors: not_found;
  /// corrupt, also for one of another version.
  /// `taxonomy` is asked by each call whose filter names a clade; empty: those are refused.
  static Result<std::shared_ptr<HitIndex>> open(const std::filesystem::path& path, OpenTaxonomy taxonomy = {},
                                                const PageEffort& effort = {});
  ~HitIndex();
  HitIndex(const HitIndex&) = delete;
  HitIndex& operator=(const HitIndex&) = delete;

  [[nodiscard]] const IndexCounts& counts() const;
  /// BLAST+'s names of the columns that were indexed.
  [[nodiscard]] const std::vector<std::string>& columns() const;
  [[nodiscard]] const std::vector<std::string>& others() const;
  /// Whether a column tells `field`; of an index without rows, that nothing is missing.
  [[nodiscard]] bool holds(Field field) const;
  /// Whether it tells how much of the query is covered.
  [[nodiscard]] bool covers() const;
  /// As Histograms::json().
  [[nodiscard]] const std::string& histograms() const;

  Result<Page<Query>> queries(const PageRequest& request, Deadline deadline);
  Result<Page<Hit>> hits(const PageRequest& request, Deadline deadline);
  /// All hits that the filter and query of `request` allow, in BLAST's order, on one pass.
  Status each_hit(const PageRequest& request, const std::function<void(const HitBrief&)>& visit,
                  Deadline deadline);
  /// All hits of the query of `request`, also those that its filter does not allow.
  Status each_number(const PageRequest& request, const std::function<void(const HitNumbers&)>& visit,
                     Deadline deadline);
  Result<Page<HspRow>> hsps(const PageRequest& request, Deadline deadline);
  Result<Page<SubjectTotal>> subjects(const PageRequest& request, Deadline deadline);
  /// How many HSPs cover each of at most 200 equal parts of the query; empty without hits or a known length.
  Result<std::vector<std::uint32_t>> depth(std::int64_t query, Deadline deadline);
  /// The ids of a hit's HSPs, first and last.
  Result<std::pair<std::int64_t, std::int64_t>> hsps_of(std::int64_t hit, Deadline deadline);

 private:
  HitIndex(std::unique_ptr<IndexFile> file, OpenTaxonomy taxonomy, const PageEffort& effort);

  std::unique_ptr<IndexFile> file_;
  std::unique_ptr<PageMemory> memory_;
  std::unique_ptr<Listings> listings_;
  PageEffort effort_;
};

}  // namespace loom::results
