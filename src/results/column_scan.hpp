#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "results/filter.hpp"
#include "results/page_sql.hpp"
#include "results/zones.hpp"

namespace loom::results {

struct ScanRequest {
  PageTable table = PageTable::hit;  ///< hit or hsp
  IdRange ids{};
  const ColumnTest& test;
  Sort sort = Sort::blast;  ///< not hits
  PageCursor after{};
  std::size_t page = 0;   ///< rows to find
  std::size_t limit = 0;  ///< so many at most, while they are found at once; 0: none
  bool count = false;     ///< all rows that pass, whatever it takes; not behind a cursor
  /// So many are read at most, unless all rows are counted; then `rows` may be fewer than a page.
  std::size_t most_blocks = std::numeric_limits<std::size_t>::max();
  Deadline until = Deadline::never();
};
struct Scanned {
  std::vector<PageCursor> rows;  ///< the first behind `after`, in the order of the sort
  bool whole = false;            ///< there are no more behind them
  std::uint64_t total = 0;       ///< if they were counted
};
/// Looks the columns through where the zones tell that it may be worth while: in BLAST's order, or
/// that of the best key in each block, until no block can hold a better row. To look all through
/// takes up to 20 ms for each million rows. Errors: those of SQLite; corrupt; timed_out.
Result<Scanned> scan_columns(SqliteFile& file, const ScanRequest& request);

}  // namespace loom::results
