#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "results/filter.hpp"
#include "results/index_builder.hpp"
#include "results/page_request.hpp"
#include "results/page_rows.hpp"

namespace loom::results {

struct PagePlan;
struct PageCursor;
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

  [[nodiscard]] const IndexCounts& counts() const { return counts_; }
  /// BLAST+'s names of the columns that were indexed.
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::string>& others() const { return others_; }
  /// Whether a column tells `field`; of an index without rows, that nothing is missing.
  [[nodiscard]] bool holds(Field field) const;
  /// Whether it tells how much of the query is covered.
  [[nodiscard]] bool covers() const;
  /// As Histograms::json().
  [[nodiscard]] const std::string& histograms() const { return histograms_; }

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
  struct Reader;
  struct Give;
  using Borrowed = std::unique_ptr<Reader, Give>;
  struct Give {
    HitIndex* owner;
    void operator()(Reader* reader) const;
  };
  struct Listing;
  struct Picked {
    std::vector<std::int64_t> ids;
    std::optional<std::uint64_t> total;
    std::string next;
  };

  HitIndex() = default;
  Result<Borrowed> borrow(Deadline deadline);
  static Result<const Filter::Part*> driver_of(Reader& reader, const Listing& listing, std::size_t most);
  static Result<std::vector<PageCursor>> pick_by(Reader& reader, const Listing& listing, Sort sort,
                                                 const PagePlan& plan, const PageCursor& after,
                                                 std::size_t limit);
  Result<std::vector<PageCursor>> pick_ahead(Reader& reader, const Listing& listing, Sort sort,
                                             const PagePlan& plan, const PageCursor& after,
                                             std::size_t limit);
  /// A scan gives up soon, finds the page, or finds what is behind it too, whatever it takes.
  enum class Look : std::uint8_t { quick, page, ahead };
  Result<std::optional<std::vector<PageCursor>>> scan_ahead(Reader& reader, const Listing& listing, Sort sort,
                                                            const PageCursor& after, std::size_t limit,
                                                            Look look);
  Result<std::vector<PageCursor>> pick_sieved(Reader& reader, const Listing& listing, const PageCursor& after,
                                              std::size_t limit);
  Result<std::vector<PageCursor>> places(Reader& reader, const Listing& listing, Sort sort,
                                         const PageCursor& after, std::size_t limit, Deadline deadline);
  static std::string key_of(const Listing& listing);
  Result<std::shared_ptr<const SubjectSet>> find_subjects(Reader& reader, const Sql& select);
  Result<Picked> pick(Reader& reader, const Listing& listing, const PageRequest& request, Deadline deadline);
  Result<std::uint64_t> count(Reader& reader, const Listing& listing);
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> ids_of(const Listing& listing) const;
  [[nodiscard]] bool is_small(const Listing& listing) const;
  Result<std::optional<std::uint64_t>> total_of(Reader& reader, const Listing& listing,
                                                const PageRequest& request, Deadline deadline);
  Result<std::pair<std::int64_t, std::int64_t>> range_of_query(Reader& reader, Level level,
                                                               std::int64_t query);
  [[nodiscard]] Status check_sort(Sort sort) const;
  /// The taxids of the index that are in `clade`.
  Result<std::vector<std::int64_t>> members_of(Reader& reader, double clade) EXCLUDES(mutex_);
  Result<std::vector<std::int64_t>> all_taxids(Reader& reader) EXCLUDES(mutex_);
  Result<Listing> rows_listing(Reader& reader, Level level, const PageRequest& request);

  IndexCounts counts_;
  std::vector<std::string> columns_;
  std::vector<std::string> others_;
  std::string histograms_;
  std::filesystem::path path_;
  OpenTaxonomy taxonomy_;
  PageEffort effort_;
  std::unique_ptr<PageMemory> memory_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_ GUARDED_BY(mutex_);
  std::optional<std::vector<std::int64_t>> taxids_ GUARDED_BY(mutex_);  // all of the file, once asked for
};

}  // namespace loom::results
