#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
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

/// What hits or HSPs are mostly filtered and sorted by stands once more in tables of one column each (kZoned
/// and subject), in blocks of rows: a million rows are looked through in milliseconds. Rows stand in BLAST's
/// order, in which those that a filter wants are together: the best of each query. So of each zone of rows
/// the least and the greatest of each of kZoned are kept too, and most blocks need not be read.
inline constexpr std::array<std::string_view, 5> kZoned{"evalue", "bits", "pident", "length", "coverage"};
inline constexpr std::int64_t kBlockRows = 1000;  // 8,000 bytes of numbers, which a page of the file holds
inline constexpr std::int64_t kZoneRows = 100;
inline constexpr std::size_t kRunZones = 500;  // zones are kept in runs of so many, 8,000 bytes too
inline constexpr std::int64_t kRunRows = kZoneRows * static_cast<std::int64_t>(kRunZones);
static_assert(kBlockRows % kZoneRows == 0 && kRunRows % kBlockRows == 0, "a run is of whole blocks");

/// Of the rows of a zone, as they are in the file.
struct ZoneBounds {
  double least = 0;
  double greatest = 0;
};

/// The tables' names; `column` is one of kZoned, or of blocks kZoned.size() for subject.
std::string blocks_table(PageTable table, std::size_t column);
std::string zones_table(PageTable table, std::size_t column);

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
  ColumnWriter(std::vector<SqliteStatement> blocks, std::vector<SqliteStatement> zones)
      : to_blocks_(std::move(blocks)), to_zones_(std::move(zones)) {}
  Status write_block();
  Status write_run();

  std::vector<SqliteStatement> to_blocks_;  // one for each of kZoned, and of subject
  std::vector<SqliteStatement> to_zones_;   // one for each of kZoned
  std::int64_t rows_ = 0;
  std::array<std::vector<double>, kZoned.size()> numbers_;
  std::vector<std::uint32_t> subjects_;
  std::array<std::vector<ZoneBounds>, kZoned.size()> zones_;
};

/// Reads pieces of a column, each of which is kept until another is asked for. One thread.
template <class Cell>
class ColumnReader {
 public:
  /// `name`: the table; `most`: cells of a piece. `file` is borrowed.
  ColumnReader(SqliteFile& file, std::string name, std::size_t most)
      : file_(&file), name_(std::move(name)), cells_(most) {}

  /// The cells of the piece that begins with row `id`; what is behind the last row means nothing. Errors:
  /// those of SQLite; corrupt if it is missing.
  Result<const Cell*> at(std::int64_t id) {
    if (held_ == id) return cells_.data();
    if (!read_) {
      LOOM_TRY(read_, file_->prepare("SELECT cells FROM " + name_ + " WHERE id = ?"));
    }
    read_->reset();
    read_->integer(1, id);
    LOOM_TRY(const SqliteStatement::Step step, read_->step());
    if (step == SqliteStatement::Step::done)
      return error(Code::corrupt, "hit index: a block of rows is missing; remove it, and it is made again");
    const std::string_view bytes = read_->text_at(0);
    std::memcpy(cells_.data(), bytes.data(), std::min(bytes.size(), cells_.size() * sizeof(Cell)));
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
