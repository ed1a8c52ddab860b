#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "results/filter.hpp"
#include "results/page_request.hpp"

namespace loom::results {

using IdRange = std::pair<std::int64_t, std::int64_t>;  ///< first and last, as in the file

enum class PageTable : std::uint8_t { query, hit, hsp, subject };
std::string_view table_name(PageTable table);
/// The column that `sort` goes by; of Sort::blast the id.
std::string_view sort_column(PageTable table, Sort sort);

/// How the rows of a page are found.
struct PagePlan {
  /// Along the index of the sort; all of the table (or its range of ids), sorted; all that the index of
  /// `driver` finds, sorted.
  enum class Kind : std::uint8_t { ordered, scan, driven } kind = Kind::ordered;
  const Filter::Part* driver = nullptr;
};

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
/// As page_sql() in BLAST's order of hits or HSPs; its first two parameters are the first and the last id.
PageSql range_page_sql(PageTable table, const Sql& where);
/// The statements whose rows, one after the other, are those of the page: what ties with the cursor's row,
/// then what is behind it.
std::vector<PageSql> page_sql(PageTable table, const std::optional<IdRange>& ids, const Sql& where,
                              const PagePlan& plan, const PageCursor& cursor, Sort sort);
/// How many rows one condition finds by the index of its column, counted up to `most`.
std::string few_sql(PageTable table, std::string_view column, const std::string& where, std::size_t most);
std::string count_sql(PageTable table, const std::optional<IdRange>& ids, const std::string& where);
/// For LIKE … ESCAPE '\': any text with `piece` in it.
std::string like_text(std::string_view piece);
/// `condition`, unless it is empty, must hold too.
void add_condition(std::string& where, std::string_view condition);

}  // namespace loom::results
