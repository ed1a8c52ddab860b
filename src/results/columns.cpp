#include "results/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/check.hpp"

namespace loom::results {
namespace {

constexpr std::size_t kSubject = kZoned.size();
constexpr std::size_t kColumns = kZoned.size() + 1;

/// Which rows of a block are still wanted.
using Mask = std::array<std::uint8_t, kBlockRows>;

std::string table_of(PageTable table, std::size_t column) {
  return fmt::format("{}_column_{}", table_name(table), column == kSubject ? "subject" : kZoned[column]);
}

template <class T>
std::string_view bytes_of(const std::vector<T>& cells) {
  return {reinterpret_cast<const char*>(cells.data()), cells.size() * sizeof(T)};
}

/// The columns of one block after the other, each read when it is first asked for.
class Blocks {
 public:
  static Result<Blocks> open(SqliteFile& file, PageTable table) {
    std::vector<SqliteStatement> reads;
    for (std::size_t column = 0; column < kColumns; ++column) {
      LOOM_TRY(SqliteStatement read,
               file.prepare(fmt::format("SELECT cells FROM {} WHERE id = ?", table_of(table, column))));
      reads.push_back(std::move(read));
    }
    return Blocks(std::move(reads));
  }
  void go_to(std::int64_t first_id) {
    first_ = first_id;
    held_.fill(false);
  }
  Result<const double*> numbers(std::size_t column) {
    LOOM_CHECKED(hold(column, std::as_writable_bytes(std::span(numbers_[column]))));
    return numbers_[column].data();
  }
  Result<const std::uint32_t*> subjects() {
    LOOM_CHECKED(hold(kSubject, std::as_writable_bytes(std::span(subjects_))));
    return subjects_.data();
  }

 private:
  explicit Blocks(std::vector<SqliteStatement> reads) : reads_(std::move(reads)) {}
  Status hold(std::size_t column, std::span<std::byte> into) {
    if (held_[column]) return ok();
    SqliteStatement& read = reads_[column];
    read.reset();
    read.integer(1, first_);
    LOOM_TRY(const SqliteStatement::Step step, read.step());
    if (step == SqliteStatement::Step::done)
      return error(Code::corrupt, "hit index: a block of rows is missing; remove it, and it is made again");
    const std::string_view cells = read.text_at(0);
    std::memcpy(into.data(), cells.data(), std::min(cells.size(), into.size()));
    held_[column] = true;
    return ok();
  }

  std::vector<SqliteStatement> reads_;
  std::int64_t first_ = 0;
  std::array<bool, kColumns> held_{};
  std::array<std::array<double, kBlockRows>, kZoned.size()> numbers_{};
  std::array<std::uint32_t, kBlockRows> subjects_{};
};

template <class Passes>
void keep_numbers(Mask& mask, const double* cells, Passes passes) {
  for (std::size_t i = 0; i < kBlockRows; ++i) mask[i] &= static_cast<std::uint8_t>(passes(cells[i]));
}

void keep_numbers(Mask& mask, const double* cells, Op op, double value) {
  switch (op) {
    case Op::less:
      return keep_numbers(mask, cells, [value](double cell) { return cell < value; });
    case Op::at_most:
      return keep_numbers(mask, cells, [value](double cell) { return cell <= value; });
    case Op::greater:
      return keep_numbers(mask, cells, [value](double cell) { return cell > value; });
    case Op::at_least:
      return keep_numbers(mask, cells, [value](double cell) { return cell >= value; });
    case Op::equal:
      return keep_numbers(mask, cells, [value](double cell) { return cell == value; });
    case Op::unequal:
      return keep_numbers(mask, cells, [value](double cell) { return cell != value; });
    case Op::contains:
      break;
  }
  LOOM_CHECK(false, "numbers are not looked for inside each other");
}

bool any_left(const Mask& mask) {
  return std::ranges::find(mask, 1) != mask.end();
}

/// Leaves in `mask` what passes `test`.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
Status keep(Blocks& blocks, const ColumnTest& test, Mask& mask) {
  switch (test.kind) {
    case ColumnTest::Kind::number: {
      LOOM_TRY(const double* cells, blocks.numbers(test.column));
      keep_numbers(mask, cells, test.op, test.value);
      return ok();
    }
    case ColumnTest::Kind::subject: {
      LOOM_TRY(const std::uint32_t* cells, blocks.subjects());
      for (std::size_t i = 0; i < kBlockRows; ++i)
        if (mask[i] != 0) mask[i] = static_cast<std::uint8_t>(test.subjects->has(cells[i]));
      return ok();
    }
    case ColumnTest::Kind::all:
      for (const ColumnTest& part : test.parts) {
        LOOM_CHECKED(keep(blocks, part, mask));
        if (!any_left(mask)) break;
      }
      return ok();
    case ColumnTest::Kind::any: {
      Mask left{};
      for (const ColumnTest& part : test.parts) {
        Mask of_part = mask;
        LOOM_CHECKED(keep(blocks, part, of_part));
        for (std::size_t i = 0; i < kBlockRows; ++i) left[i] |= of_part[i];
      }
      mask = left;
      return ok();
    }
    case ColumnTest::Kind::none_of: {
      Mask out = mask;
      LOOM_CHECKED(keep(blocks, test.parts.front(), out));
      for (std::size_t i = 0; i < kBlockRows; ++i) mask[i] &= static_cast<std::uint8_t>(out[i] ^ 1U);
      return ok();
    }
  }
  LOOM_CHECK(false, "all kinds of tests are kept");
}

bool before(const PageCursor& a, const PageCursor& b) {
  return a.key < b.key || (a.key == b.key && a.id < b.id);
}

/// The first `limit` of all that are added.
class FirstRows {
 public:
  explicit FirstRows(std::size_t limit) : limit_(limit) {}
  void add(const PageCursor& row) {
    if (full_ && !before(row, last_)) return;
    rows_.push_back(row);
    if (rows_.size() == 2 * limit_) cut();
  }
  [[nodiscard]] bool enough() const { return rows_.size() >= limit_; }
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

}  // namespace

Result<ColumnWriter> ColumnWriter::create(SqliteFile& file, PageTable table) {
  std::vector<SqliteStatement> inserts;
  for (std::size_t column = 0; column < kColumns; ++column) {
    const std::string name = table_of(table, column);
    LOOM_CHECKED(
        file.script(fmt::format("CREATE TABLE {}(id INTEGER PRIMARY KEY, cells BLOB)", name).c_str()));
    LOOM_TRY(SqliteStatement insert, file.prepare(fmt::format("INSERT INTO {} VALUES(?,?)", name)));
    inserts.push_back(std::move(insert));
  }
  return ColumnWriter(std::move(inserts));
}

Status ColumnWriter::add(std::uint32_t subject, const std::array<double, kZoned.size()>& values) {
  for (std::size_t i = 0; i < kZoned.size(); ++i) numbers_[i].push_back(values[i]);
  subjects_.push_back(subject);
  return subjects_.size() == kBlockRows ? write() : ok();
}

Status ColumnWriter::finish() {
  return subjects_.empty() ? ok() : write();
}

Status ColumnWriter::write() {
  for (std::size_t column = 0; column < kColumns; ++column) {
    inserts_[column].integer(1, written_ + 1);
    inserts_[column].text(2, column == kSubject ? bytes_of(subjects_) : bytes_of(numbers_[column]));
    LOOM_CHECKED(inserts_[column].run());
    if (column != kSubject) numbers_[column].clear();
  }
  written_ += static_cast<std::int64_t>(subjects_.size());
  subjects_.clear();
  return ok();
}

Result<Scanned> scan_columns(SqliteFile& file, const ScanRequest& request) {
  LOOM_TRY(Blocks blocks, Blocks::open(file, request.table));
  constexpr auto kRows = static_cast<std::int64_t>(kBlockRows);
  const bool by_id = request.sort == Sort::blast;
  const double sign = request.sort == Sort::evalue ? 1 : -1;
  const auto* key = std::ranges::find(kZoned, sort_column(request.table, request.sort));
  LOOM_CHECK(by_id || key != kZoned.end(), "hits and HSPs are sorted by columns");
  const PageCursor after{.key = by_id ? 0 : sign * request.after.key, .id = request.after.id};
  const bool goes_on = by_id && after.id > 0 && request.limit > 0;
  const std::int64_t first_id = goes_on ? std::max(request.ids.first, after.id + 1) : request.ids.first;
  FirstRows behind(request.limit);
  FirstRows from_start(request.limit);  // filled only when the cursor's row is one of the list
  std::uint64_t before_page = 0;
  bool cursor_seen = false;
  std::uint64_t total = 0;
  for (std::int64_t id = (first_id - 1) / kRows * kRows + 1; id <= request.ids.second; id += kRows) {
    const auto from = static_cast<std::size_t>(std::max<std::int64_t>(0, first_id - id));
    const auto until = static_cast<std::size_t>(std::min(kRows, request.ids.second - id + 1));
    Mask mask{};
    std::fill(mask.begin() + static_cast<std::ptrdiff_t>(from),
              mask.begin() + static_cast<std::ptrdiff_t>(until), 1);
    blocks.go_to(id);
    LOOM_CHECKED(keep(blocks, request.test, mask));
    total += static_cast<std::uint64_t>(std::ranges::count(mask, 1));
    if (request.limit == 0 || !any_left(mask)) continue;
    const double* keys = nullptr;
    if (!by_id) {
      LOOM_TRY(keys, blocks.numbers(static_cast<std::size_t>(key - kZoned.begin())));
    }
    for (std::size_t i = from; i < until; ++i) {
      if (mask[i] == 0) continue;
      const PageCursor row{.key = by_id ? 0 : sign * keys[i], .id = id + static_cast<std::int64_t>(i)};
      if (after.id == 0 || before(after, row)) {
        behind.add(row);
      } else {
        ++before_page;
        cursor_seen = cursor_seen || (row.id == after.id && row.key == after.key);
      }
      if (after.id != 0 && !by_id) from_start.add(row);
    }
    if (goes_on && behind.enough()) break;
  }
  const bool near_start = cursor_seen && std::min(total, before_page + request.page) <= request.limit;
  Scanned scanned = near_start ? Scanned{.rows = from_start.take()}
                               : Scanned{.rows = behind.take(), .after = request.after};
  if (!goes_on) scanned.total = total;
  for (PageCursor& row : scanned.rows) row.key = by_id ? static_cast<double>(row.id) : sign * row.key;
  return scanned;
}

}  // namespace loom::results
