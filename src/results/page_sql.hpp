#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "results/filter.hpp"
#include "results/hit_index.hpp"

namespace loom::results {

enum class PageTable : std::uint8_t { query, hit, hsp, subject };

/// How the rows of a page are found. `ordered`: along the index of the sort; `sort_rows`: a range of ids is
/// read and sorted; `any`: as SQLite likes.
enum class PagePlan : std::uint8_t { ordered, sort_rows, any };

/// Behind which row a page begins: its key in the sort, and its id.
struct PageCursor {
  double key = 0;
  std::int64_t id = 0;  ///< 0: the first page
};
std::string page_cursor_text(const PageCursor& cursor, Sort sort);
/// Empty text is the first page. Errors: invalid_argument unless page_cursor_text() made it for this sort.
Result<PageCursor> parse_page_cursor(std::string_view text, Sort sort);

struct PageSql {
  std::string text;  ///< gives id and key; its last parameter is the limit
  std::vector<Bound> values;
};
/// The statements whose rows, one after the other, are those of the page: what ties with the cursor's row,
/// then what is behind it.
std::vector<PageSql> page_sql(PageTable table,
                              const std::optional<std::pair<std::int64_t, std::int64_t>>& ids,
                              const Sql& where, PagePlan plan, const PageCursor& cursor, Sort sort);
std::string count_sql(PageTable table, const std::optional<std::pair<std::int64_t, std::int64_t>>& ids,
                      const std::string& where);
/// For LIKE … ESCAPE '\': any text with `piece` in it.
std::string like_text(std::string_view piece);

inline bool earlier(const Deadline& a, const Deadline& b) {
  return a.when() < b.when();
}

}  // namespace loom::results
