#include "results/page_pick.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "results/column_scan.hpp"
#include "results/page_sql.hpp"
#include "results/zones.hpp"

namespace loom::results {
namespace {

constexpr std::chrono::milliseconds kCountTime{15};
// So few rows are all read and sorted.
constexpr int kFewRows = 10'000;
// So many are found by their ids before all rows of a table are read.
constexpr int kManyRows = 100'000;
// So many blocks are read in hope that they hold a page; some 5 ms.
constexpr std::size_t kQuickBlocks = 300;
constexpr std::size_t kAllBlocks = std::numeric_limits<std::size_t>::max();

/// Of one page.
class Pick {
 public:
  Pick(IndexReader& reader, const Listing& listing, const PageRequest& request, PageMemory& memory,
       const PageEffort& effort)
      : reader_(reader),
        listing_(listing),
        request_(request),
        memory_(memory),
        effort_(effort),
        deadline_(reader.until),
        sort_(request.sort),
        limit_(request.limit + 1) {}

  Result<Picked> run() {
    std::vector<PageCursor> rows;
    if (request_.limit > 0) {
      LOOM_TRY(after_, parse_page_cursor(request_.after, sort_));
      LOOM_TRY(rows, places());
    }
    Picked picked;
    LOOM_TRY(picked.total, total());
    if (rows.size() > request_.limit) {
      rows.pop_back();
      picked.next = page_cursor_text(rows.back(), sort_);
    }
    for (const PageCursor& row : rows) picked.ids.push_back(row.id);
    return picked;
  }

 private:
  /// A scan gives up soon, finds the page, or finds what is behind it too, whatever it takes.
  enum class Look : std::uint8_t { quick, page, ahead };

  const std::string& key() {
    if (key_.empty()) key_ = listing_.key();
    return key_;
  }

  [[nodiscard]] bool is_small() const {
    const auto [first, last] = listing_.range();
    return last - first < static_cast<std::int64_t>(effort_.scanned_rows);
  }

  /// nullopt: `run` was not done at `soon`, which is before the deadline.
  template <class Run>
  auto within(Deadline soon, Run run)
      -> Result<std::optional<typename std::invoke_result_t<Run>::value_type>> {
    reader_.until = soon.when() < deadline_.when() ? soon : deadline_;
    auto done = run();
    reader_.until = deadline_;
    if (done) return std::optional(*std::move(done));
    if (done.error().code != Code::timed_out || deadline_.passed()) return done.error();
    return std::nullopt;
  }

  Result<std::optional<std::uint64_t>> total() {
    if (listing_.known_total) return listing_.known_total;
    const bool alone = request_.limit == 0;
    // One that took long is counted for who asks for nothing else.
    const auto known = memory_.total(key());
    if (known && (*known || !alone)) return *known;
    if (!request_.after.empty() && !alone) return std::optional<std::uint64_t>();
    const Deadline soon = alone ? deadline_ : Deadline::in(kCountTime);
    LOOM_TRY(const auto total, within(soon, [this] { return count(); }));
    memory_.keep_total(key(), total);
    return total;
  }

  Result<std::uint64_t> count() {
    if (listing_.sieve && listing_.sieve->exact) {
      LOOM_TRY(const Scanned scanned, scan_columns(reader_.file, {.table = listing_.table,
                                                                  .ids = listing_.range(),
                                                                  .test = listing_.sieve->test,
                                                                  .count = true,
                                                                  .until = reader_.until}));
      return scanned.total;
    }
    LOOM_TRY(
        SqliteStatement rows,
        reader_.prepare(count_sql(listing_.table, listing_.ids, listing_.where.text), listing_.where.values));
    LOOM_CHECKED(rows.step());
    return static_cast<std::uint64_t>(rows.integer_at(0));
  }

  /// The condition of the filter that allows the fewest rows, by its index; null unless they are fewer than
  /// `most`.
  Result<const Filter::Part*> driver_of(std::size_t most) {
    const Filter::Part* driver = nullptr;
    for (const Filter::Part& part : listing_.parts) {
      std::size_t found = part.rows.value_or(0);
      if (!part.rows) {
        LOOM_TRY(SqliteStatement count,
                 reader_.prepare(few_sql(listing_.table, part.column, part.sql.text, most), part.sql.values));
        LOOM_CHECKED(count.step());
        found = static_cast<std::size_t>(count.integer_at(0));
      }
      if (found >= most) continue;
      most = found;
      driver = &part;
    }
    return driver;
  }

  /// Adds to `rows`, up to `limit`, what `statement` gives; its parameter at `place` is how many that is.
  static Status take_rows(SqliteStatement& statement, std::size_t place, std::size_t limit,
                          std::vector<PageCursor>& rows) {
    statement.integer(static_cast<int>(place), static_cast<std::int64_t>(limit - rows.size()));
    return statement.each(
        [&] { rows.push_back({.key = statement.real_at(1), .id = statement.integer_at(0)}); });
  }

  Result<std::vector<PageCursor>> pick_by(const PagePlan& plan, std::size_t limit) {
    std::vector<PageCursor> rows;
    for (const PageSql& part : page_sql(listing_.table, listing_.ids, listing_.where, plan, after_, sort_)) {
      LOOM_TRY(SqliteStatement statement, reader_.prepare(part.text, part.values));
      LOOM_CHECKED(take_rows(statement, part.values.size() + 1, limit, rows));
      if (rows.size() == limit) break;
    }
    return rows;
  }

  /// The page; what is behind it is kept.
  std::vector<PageCursor> keep_ahead(std::vector<PageCursor> rows, bool whole) {
    if (whole && after_.id == 0) memory_.keep_total(key(), rows.size());
    memory_.keep_rows(key(), sort_, after_, rows, whole);
    rows.resize(std::min(rows.size(), limit_));
    return rows;
  }

  [[nodiscard]] std::size_t many() const { return std::max(limit_, PageMemory::kRowsAhead); }

  Result<std::vector<PageCursor>> pick_ahead(const PagePlan& plan) {
    LOOM_TRY(std::vector<PageCursor> rows, pick_by(plan, many()));
    const bool whole = rows.size() < many();
    return keep_ahead(std::move(rows), whole);
  }

  /// As pick_ahead, by the columns. nullopt for a quick look that did not find the page.
  Result<std::optional<std::vector<PageCursor>>> scan_ahead(Look look) {
    const ScanRequest request{.table = listing_.table,
                              .ids = listing_.range(),
                              .test = listing_.sieve->test,
                              .sort = sort_,
                              .after = after_,
                              .page = look == Look::ahead ? many() : limit_,
                              .limit = many(),
                              .count = is_small() && after_.id == 0,
                              .most_blocks = look == Look::quick ? kQuickBlocks : kAllBlocks,
                              .until = reader_.until};
    LOOM_TRY(Scanned scanned, scan_columns(reader_.file, request));
    if (!scanned.whole && scanned.rows.size() < limit_) return std::optional<std::vector<PageCursor>>();
    if (request.count) memory_.keep_total(key(), scanned.total);
    return std::optional(keep_ahead(std::move(scanned.rows), scanned.whole));
  }

  Result<std::vector<PageCursor>> scan(Look look) {
    LOOM_TRY(auto rows, scan_ahead(look));
    return *std::move(rows);
  }

  /// In BLAST's order: what columns cannot tell is asked of the rows that they do not rule out.
  Result<std::vector<PageCursor>> pick_sieved() {
    const PageSql sql = range_page_sql(listing_.table, listing_.where);
    LOOM_TRY(SqliteStatement statement, reader_.prepare(sql.text, sql.values, 3));
    Zones zones(reader_.file, listing_.table, kZoneRows);
    std::vector<PageCursor> rows;
    const auto [first, last] = listing_.range();
    for (std::int64_t id = std::max(first, after_.id + 1); id <= last;
         id = zones.piece_of(id) + zones.piece_rows()) {
      LOOM_TRY(const std::vector<IdRange> ranges, zones.passing({id, last}, listing_.sieve->test));
      for (const IdRange& range : ranges) {
        statement.reset();
        statement.integer(1, range.first);
        statement.integer(2, range.second);
        LOOM_CHECKED(take_rows(statement, sql.values.size() + 3, limit_, rows));
        if (rows.size() == limit_) return rows;
      }
    }
    return rows;
  }

  /// At most limit_ rows behind after_.
  Result<std::vector<PageCursor>> places() {
    using Kind = PagePlan::Kind;
    if (listing_.ids && listing_.ids->second - listing_.ids->first < kFewRows)
      return pick_by({Kind::scan}, limit_);
    if (auto known = memory_.rows(key(), sort_, after_, limit_)) return *std::move(known);
    const bool exact = listing_.sieve && listing_.sieve->exact;
    if (exact && is_small()) return scan(Look::page);
    LOOM_TRY(const Filter::Part* driver, driver_of(kFewRows));
    if (driver != nullptr) return pick_ahead({Kind::driven, driver});
    if (exact && sort_ == Sort::blast) return scan(Look::page);
    if (listing_.sieve && sort_ == Sort::blast) return pick_sieved();
    if (exact && !memory_.was_in_vain(key(), sort_)) {
      LOOM_TRY(auto quick, scan_ahead(Look::quick));
      if (quick) return *std::move(quick);
      memory_.keep_in_vain(key(), sort_);
    }
    const bool sure = listing_.where.text.empty() || sort_ == Sort::blast;
    const Deadline soon = sure ? deadline_ : Deadline::in(effort_.patience);
    LOOM_TRY(auto ordered, within(soon, [this] { return pick_by({}, limit_); }));
    if (ordered) return *std::move(ordered);
    if (exact) return scan(Look::ahead);
    LOOM_TRY(const Filter::Part* best, driver_of(kManyRows));
    return pick_ahead({best == nullptr ? Kind::scan : Kind::driven, best});
  }

  IndexReader& reader_;
  const Listing& listing_;
  const PageRequest& request_;
  PageMemory& memory_;
  const PageEffort& effort_;
  Deadline deadline_;
  Sort sort_;
  std::size_t limit_;  // one more than the page tells whether there is a next one
  PageCursor after_;
  std::string key_;
};

}  // namespace

Result<Picked> pick_page(IndexReader& reader, const Listing& listing, const PageRequest& request,
                         PageMemory& memory, const PageEffort& effort) {
  return Pick(reader, listing, request, memory, effort).run();
}

}  // namespace loom::results
