#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "results/filter.hpp"
#include "results/hit_index.hpp"
#include "results/page_sql.hpp"
#include "results/sqlite_file.hpp"
#include "results/zones.hpp"

namespace loom::results {

/// What hits or HSPs are mostly filtered and sorted by stands once more in tables of one column each (kZoned
/// and subject), in blocks of this many rows: a million rows are looked through in milliseconds.
inline constexpr std::size_t kBlockRows = 1000;  // 8,000 bytes of numbers, which a page of the file holds

/// Fills the columns of one table. One thread.
class ColumnWriter {
 public:
  /// Makes the tables of columns in `file`.
  static Result<ColumnWriter> create(SqliteFile& file, PageTable table);

  /// The next row, whose values are those of kZoned.
  Status add(std::uint32_t subject, const std::array<double, kZoned.size()>& values);
  /// What is left.
  Status finish();

 private:
  explicit ColumnWriter(std::vector<SqliteStatement> inserts) : inserts_(std::move(inserts)) {}
  Status write();

  std::vector<SqliteStatement> inserts_;  // one for each of kZoned, and of subject
  std::int64_t written_ = 0;
  std::array<std::vector<double>, kZoned.size()> numbers_;
  std::vector<std::uint32_t> subjects_;
};

struct ScanRequest {
  PageTable table = PageTable::hit;             ///< hit or hsp
  std::pair<std::int64_t, std::int64_t> ids{};  ///< first and last, as in the file
  const ColumnTest& test;
  Sort sort = Sort::blast;  ///< not hits
  PageCursor after{};
  std::size_t limit = 0;  ///< rows to find
  std::size_t page = 0;   ///< so many of them are wanted now
};
struct Scanned {
  std::vector<PageCursor> rows;  ///< the first behind `after`, in the order of the sort; at most `limit`
  PageCursor after{};  ///< the request's, or the start of the list if the page lies among its first rows
  /// How many of `ids` pass the test; unset behind a cursor in BLAST's order, where not all are looked
  /// through.
  std::optional<std::uint64_t> total{};
};
/// Looks all rows through, or in BLAST's order those behind the cursor until there are enough. About 5 ms for
/// a million. Errors: those of SQLite.
Result<Scanned> scan_columns(SqliteFile& file, const ScanRequest& request);

}  // namespace loom::results
