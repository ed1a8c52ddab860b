#include "results/column_scan.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.hpp"
#include "results/columns.hpp"

namespace loom::results {
namespace {

// In so many blocks rows are looked for that are wanted only later; some 5 ms.
constexpr std::size_t kPatientBlocks = 200;

/// Which rows of a block are still wanted.
using Mask = std::array<std::uint8_t, kBlockRows>;

bool any_left(const Mask& mask) {
  return std::ranges::find(mask, 1) != mask.end();
}

bool before(const PageCursor& a, const PageCursor& b) {
  return a.key < b.key || (a.key == b.key && a.id < b.id);
}

/// The first `limit` of all that are added.
class FirstRows {
 public:
  explicit FirstRows(std::size_t limit) : limit_(limit) {}
  void add(const PageCursor& row) {
    if (!takes(row)) return;
    rows_.push_back(row);
    if (rows_.size() == 2 * limit_) cut();
  }
  /// Whether `row`, or one behind it, may be among the first.
  [[nodiscard]] bool takes(const PageCursor& row) const { return !full_ || before(row, last_); }
  [[nodiscard]] bool any_before(const PageCursor& bound, std::size_t count) const {
    if (rows_.size() < count) return false;
    const auto is_before = [&bound](const PageCursor& row) { return before(row, bound); };
    return static_cast<std::size_t>(std::ranges::count_if(rows_, is_before)) >= count;
  }
  std::vector<PageCursor> take() {
    if (rows_.size() > limit_) cut();
    std::ranges::sort(rows_, before);
    return std::move(rows_);
  }

 private:
  void cut() {
    const auto last = rows_.begin() + static_cast<std::ptrdiff_t>(limit_ - 1);
    std::ranges::nth_element(rows_, last, before);
    last_ = *last;
    full_ = true;
    rows_.resize(limit_);
  }
  std::size_t limit_;
  std::vector<PageCursor> rows_;
  PageCursor last_{};
  bool full_ = false;
};

/// A block or a run in which rows may be wanted.
struct Place {
  std::int64_t id = 0;      ///< of its first row
  PageCursor bound{};       ///< no row of it is before that
  bool is_run = false;      ///< all else is of blocks
  std::uint32_t zones = 0;  ///< bits: those that may have some
  bool sure = true;         ///< all rows of these pass
};

bool later(const Place& a, const Place& b) {
  return before(b.bound, a.bound);
}

class Scan {
 public:
  Scan(SqliteFile& file, const ScanRequest& request)
      : request_(request),
        by_id_(request.sort == Sort::blast),
        sign_(request.sort == Sort::evalue ? 1 : -1),
        runs_(file, request.table, kRunRows),
        zones_(file, request.table, kZoneRows),
        subjects_(file, blocks_table(request.table, kZoned.size()), kBlockRows),
        found_(request.limit) {
    for (std::size_t i = 0; i < kZoned.size(); ++i)
      numbers_.emplace_back(file, blocks_table(request.table, i), kBlockRows);
    const auto* key = std::ranges::find(kZoned, sort_column(request.table, request.sort));
    LOOM_CHECK(by_id_ || key != kZoned.end(), "hits and HSPs are sorted by columns");
    key_ = static_cast<std::size_t>(key - kZoned.begin());
    if (request.after.id > 0) after_ = {by_id_ ? 0 : sign_ * request.after.key, request.after.id};
  }

  Result<Scanned> run() {
    const auto [first, last] = request_.ids;
    for (std::int64_t id = runs_.piece_of(first); id <= last; id += runs_.piece_rows())
      LOOM_CHECKED(survey(runs_, id));
    LOOM_CHECKED(look());
    Scanned scanned{.rows = found_.take(), .total = total_};
    if (rest_) std::erase_if(scanned.rows, [&](const PageCursor& row) { return !before(row, *rest_); });
    scanned.whole = !rest_ && scanned.rows.size() < request_.limit;
    for (PageCursor& row : scanned.rows) row.key = by_id_ ? static_cast<double>(row.id) : sign_ * row.key;
    return scanned;
  }

 private:
  /// Adds to todo_ the runs, or the blocks of zones, of a piece.
  Status survey(Zones& zones, std::int64_t piece) {
    LOOM_TRY(const Zones::Verdicts verdicts, zones.judge(piece, request_.test));
    const Bounds* keys = nullptr;
    if (!by_id_) {
      LOOM_TRY(keys, zones.bounds(piece, key_));
    }
    std::optional<Place> block;
    for (std::size_t i = 0; i < kTogether; ++i) {
      const std::int64_t id = piece + static_cast<std::int64_t>(i) * zones.zone_rows();
      const IdRange rows{std::max(id, request_.ids.first),
                         std::min(id + zones.zone_rows() - 1, request_.ids.second)};
      if (rows.first > rows.second || verdicts[i] == Verdict::none) continue;
      const auto [best, worst] = by_id_      ? std::pair(0.0, 0.0)
                                 : sign_ > 0 ? std::pair(keys[i].least, keys[i].greatest)
                                             : std::pair(-keys[i].greatest, -keys[i].least);
      if (!before(after_, {worst, rows.second})) continue;
      const PageCursor bound{best, rows.first};
      if (&zones == &runs_) {
        push({.id = id, .bound = bound, .is_run = true});
        continue;
      }
      const std::int64_t in_block = (id - 1) % kBlockRows;
      if (block && block->id != id - in_block) push(*std::exchange(block, std::nullopt));
      if (!block) block = {.id = id - in_block, .bound = bound};
      block->bound = std::min(block->bound, bound, before);
      block->zones |= 1U << static_cast<unsigned>(in_block / kZoneRows);
      block->sure = block->sure && verdicts[i] == Verdict::all;
    }
    if (block) push(*block);
    return ok();
  }

  void push(const Place& place) {
    todo_.push_back(place);
    std::ranges::push_heap(todo_, later);
  }

  /// Looks at the places of todo_ until there are enough rows.
  Status look() {
    while (!todo_.empty()) {
      if (request_.until.passed()) return error(Code::timed_out, "hit index: the deadline passed");
      std::ranges::pop_heap(todo_, later);
      const Place place = todo_.back();
      if (enough(place.bound)) {
        rest_ = place.bound;
        return ok();
      }
      todo_.pop_back();
      LOOM_CHECKED(place.is_run ? survey(zones_, place.id) : look_at(place));
    }
    return ok();
  }

  [[nodiscard]] bool enough(const PageCursor& bound) const {
    if (request_.count) return false;
    const std::size_t due = looked_at_ < kPatientBlocks ? request_.limit : request_.page;
    return looked_at_ >= request_.most_blocks || found_.any_before(bound, due);
  }

  Status look_at(const Place& block) {
    ++looked_at_;
    Mask mask = mask_of(block);
    if (!block.sure) LOOM_CHECKED(keep(block.id, request_.test, mask));
    if (request_.count) total_ += static_cast<std::uint64_t>(std::ranges::count(mask, 1));
    if (request_.limit == 0 || !found_.takes(block.bound) || !any_left(mask)) return ok();
    const double* keys = nullptr;
    if (!by_id_) {
      LOOM_TRY(keys, numbers_[key_].at(block.id));
    }
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i] == 0) continue;
      const PageCursor row{.key = by_id_ ? 0 : sign_ * keys[i],
                           .id = block.id + static_cast<std::int64_t>(i)};
      if (before(after_, row)) found_.add(row);
    }
    return ok();
  }

  /// The rows of its zones, as far as they are among the request's.
  [[nodiscard]] Mask mask_of(const Place& block) const {
    Mask mask{};
    for (std::int64_t at = 0; at < kBlockRows; at += kZoneRows)
      if ((block.zones >> static_cast<unsigned>(at / kZoneRows) & 1U) != 0)
        std::fill_n(mask.begin() + at, kZoneRows, 1);
    const auto clear = [&mask](std::int64_t from, std::int64_t until) {
      if (from < until) std::fill(mask.begin() + from, mask.begin() + until, 0);
    };
    clear(0, request_.ids.first - block.id);
    clear(request_.ids.second - block.id + 1, kBlockRows);
    return mask;
  }

  /// Leaves in `mask` what passes `test`.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
  Status keep(std::int64_t block, const ColumnTest& test, Mask& mask) {
    switch (test.kind) {
      case ColumnTest::Kind::number: {
        LOOM_TRY(const double* cells, numbers_[test.column].at(block));
        with_comparison(test.op, test.value, [&](auto passes) {
          for (std::size_t i = 0; i < mask.size(); ++i)
            mask[i] &= static_cast<std::uint8_t>(passes(cells[i]));
        });
        return ok();
      }
      case ColumnTest::Kind::subject: {
        LOOM_TRY(const std::uint32_t* cells, subjects_.at(block));
        for (std::size_t i = 0; i < mask.size(); ++i)
          if (mask[i] != 0) mask[i] = static_cast<std::uint8_t>(test.subjects->has(cells[i]));
        return ok();
      }
      case ColumnTest::Kind::all:
        for (const ColumnTest& part : test.parts) {
          LOOM_CHECKED(keep(block, part, mask));
          if (!any_left(mask)) break;
        }
        return ok();
      case ColumnTest::Kind::any: {
        Mask left{};
        for (const ColumnTest& part : test.parts) {
          Mask of_part = mask;
          LOOM_CHECKED(keep(block, part, of_part));
          for (std::size_t i = 0; i < mask.size(); ++i) left[i] |= of_part[i];
        }
        mask = left;
        return ok();
      }
      case ColumnTest::Kind::none_of: {
        Mask out = mask;
        LOOM_CHECKED(keep(block, test.parts.front(), out));
        for (std::size_t i = 0; i < mask.size(); ++i) mask[i] &= static_cast<std::uint8_t>(out[i] ^ 1U);
        return ok();
      }
    }
    LOOM_CHECK(false, "all kinds of tests are kept");
  }

  const ScanRequest& request_;
  bool by_id_;
  double sign_;  // the least key times this is the first in the order
  std::size_t key_ = 0;
  PageCursor after_{.key = -std::numeric_limits<double>::infinity()};
  Zones runs_;
  Zones zones_;
  std::vector<ColumnReader<double>> numbers_;
  ColumnReader<std::uint32_t> subjects_;
  std::vector<Place> todo_;    // a heap, the most promising first
  std::size_t looked_at_ = 0;  // blocks
  FirstRows found_;
  std::uint64_t total_ = 0;
  std::optional<PageCursor> rest_;  // no row that was not looked at is before this
};

}  // namespace

Result<Scanned> scan_columns(SqliteFile& file, const ScanRequest& request) {
  return Scan(file, request).run();
}

}  // namespace loom::results
