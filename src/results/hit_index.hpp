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
#include "taxonomy/taxonomy.hpp"

namespace loom::results {

struct PagePlan;
struct PageCursor;
class PageMemory;

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

/// How pages are looked for.
struct PageEffort {
  /// How long a filtered page is looked for along its sort.
  Duration patience = std::chrono::milliseconds(8);
  /// So many rows are counted while their first page is looked for in columns.
  std::uint64_t scanned_rows = 20'000'000;
};

/// Where the lineages of filters by clade come from. Errors: what is missing, and what to do about it.
using OpenTaxonomy = std::function<Result<std::shared_ptr<const taxonomy::Taxonomy>>()>;

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
