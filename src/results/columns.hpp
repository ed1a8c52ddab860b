#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "results/filter.hpp"
#include "results/page_sql.hpp"
#include "results/sqlite_file.hpp"

namespace loom::results {

/// What hits or HSPs are mostly filtered and sorted by stands once more in tables of one column
/// each (kZoned and subject), in blocks of rows: a million rows are looked through in milliseconds.
/// Rows stand in BLAST's order, in which those that a filter wants are together: the best of each
/// query. So of each zone of rows the least and the greatest of each of kZoned are kept too, and
/// most blocks need not be read. Zones stand in runs, and of each run there is the same once more.
inline constexpr std::array<std::string_view, 5> kZoned{"evalue", "bits", "pident", "length", "coverage"};
inline constexpr std::int64_t kBlockRows = 1000;  // 8,000 bytes, which a page of the file holds
inline constexpr std::int64_t kZoneRows = 100;
inline constexpr std::size_t kTogether = 500;  // zones of a run, or runs in a row; 8,000 bytes too
inline constexpr std::int64_t kRunRows = kZoneRows * static_cast<std::int64_t>(kTogether);
static_assert(kBlockRows % kZoneRows == 0 && kRunRows % kBlockRows == 0, "a run is of whole blocks");

/// Of the rows of a zone or a run, as they are in the file.
struct Bounds {
  double least = 0;
  double greatest = 0;
};

/// The tables' names; `column` is one of kZoned, or of blocks kZoned.size() for subject.
std::string blocks_table(PageTable table, std::size_t column);
/// `rows`: kZoneRows or kRunRows.
std::string bounds_table(PageTable table, std::int64_t rows, std::size_t column);

/// Fills the tables of bounds of zones, or of runs. One thread.
class BoundsWriter {
 public:
  static Result<BoundsWriter> create(SqliteFile& file, PageTable table, std::int64_t rows);
  Status add(const std::array<double, kZoned.size()>& values);
  /// What is left.
  Status finish();

 private:
  BoundsWriter(std::int64_t rows, std::vector<SqliteStatement> inserts)
      : zone_rows_(rows), inserts_(std::move(inserts)) {}

  std::int64_t zone_rows_;
  std::vector<SqliteStatement> inserts_;  // one for each of kZoned
  std::int64_t written_ = 0;              // rows
  std::int64_t rows_ = 0;
  std::array<std::vector<Bounds>, kZoned.size()> bounds_;
};

/// Fills the columns of one table. One thread.
class ColumnWriter {
 public:
  /// Makes the tables of columns in `file`.
  static Result<ColumnWriter> create(SqliteFile& file, PageTable table);

  /// The next row, whose values are those of kZoned; none is NaN.
  Status add(std::uint32_t subject, const std::array<double, kZoned.size()>& values);
  /// What is left.
  Status finish();

 private:
  ColumnWriter(std::vector<SqliteStatement> blocks, BoundsWriter zones, BoundsWriter runs)
      : inserts_(std::move(blocks)), zones_(std::move(zones)), runs_(std::move(runs)) {}
  Status write();

  std::vector<SqliteStatement> inserts_;  // one for each of kZoned, and of subject
  BoundsWriter zones_;
  BoundsWriter runs_;
  std::int64_t written_ = 0;
  std::array<std::vector<double>, kZoned.size()> numbers_;
  std::vector<std::uint32_t> subjects_;
};

/// Reads pieces of a column, each of which is kept until another is asked for. One thread.
template <class Cell>
class ColumnReader {
 public:
  /// `name`: the table; `most`: cells of a piece. `file` is borrowed.
  ColumnReader(SqliteFile& file, std::string name, std::size_t most)
      : file_(&file), name_(std::move(name)), cells_(most) {}

  /// The cells of the piece that begins with row `id`; what is behind the last row means nothing.
  /// Errors: those of SQLite; corrupt if it is missing.
  Result<const Cell*> at(std::int64_t id) {
    if (held_ == id) return cells_.data();
    if (!read_) {
      LOOM_TRY(read_, file_->prepare("SELECT cells FROM " + name_ + " WHERE id = ?"));
    }
    LOOM_TRY(const SqliteStatement::Step step, read_->seek(id));
    if (step == SqliteStatement::Step::done)
      return error(Code::corrupt, "hit index: a block of rows is missing; remove it, and it is made again");
    const std::string_view bytes = read_->text_at(0);
    bytes.copy(reinterpret_cast<char*>(cells_.data()), cells_.size() * sizeof(Cell));
    held_ = id;
    return cells_.data();
  }

 private:
  SqliteFile* file_;
  std::string name_;
  std::optional<SqliteStatement> read_;
  std::int64_t held_ = 0;
  std::vector<Cell> cells_;
};

/// Calls `use` with what tells whether a number passes. Not Op::contains.
template <class Use>
void with_comparison(Op op, double value, Use use) {
  switch (op) {
    case Op::less:
      return use([value](double cell) { return cell < value; });
    case Op::at_most:
      return use([value](double cell) { return cell <= value; });
    case Op::greater:
      return use([value](double cell) { return cell > value; });
    case Op::at_least:
      return use([value](double cell) { return cell >= value; });
    case Op::equal:
      return use([value](double cell) { return cell == value; });
    case Op::unequal:
      return use([value](double cell) { return cell != value; });
    case Op::contains:
      break;
  }
  LOOM_CHECK(false, "numbers are not looked for inside each other");
}

}  // namespace loom::results
