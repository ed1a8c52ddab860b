#include "results/page_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "base/check.hpp"

namespace loom::results {
namespace {

using Ids = std::optional<IdRange>;

constexpr std::array<std::string_view, 7> kSorts{"blast",  "evalue",   "bitscore", "pident",
                                                 "length", "coverage", "hits"};

std::string_view id_of(PageTable table) {
  return table == PageTable::subject ? "t.subject" : "t.id";
}

std::string ids_condition(PageTable table, const Ids& ids) {
  if (!ids) return {};
  return fmt::format("{} BETWEEN {} AND {}", id_of(table), ids->first, ids->second);
}

}  // namespace

std::string_view table_name(PageTable table) {
  switch (table) {
    case PageTable::query:
      return "query";
    case PageTable::hit:
      return "hit";
    case PageTable::hsp:
      return "hsp";
    case PageTable::subject:
      return "subject_total";
  }
  LOOM_CHECK(false, "all tables have names");
}

std::string_view sort_column(PageTable table, Sort sort) {
  switch (sort) {
    case Sort::blast:
      return id_of(table).substr(2);
    case Sort::evalue:
      return "evalue";
    case Sort::bitscore:
      return "bits";
    case Sort::pident:
      return "pident";
    case Sort::length:
      return "length";
    case Sort::coverage:
      return "coverage";
    case Sort::hits:
      return table == PageTable::subject ? "queries" : "hits";
  }
  LOOM_CHECK(false, "all sorts have columns");
}

Result<Sort> parse_sort(std::string_view text) {
  for (std::size_t i = 0; i < kSorts.size(); ++i)
    if (text == kSorts[i]) return static_cast<Sort>(i);
  return error(Code::invalid_argument,
               "sort: '{}' is no order; use blast, evalue, bitscore, pident, length, coverage or hits",
               text.substr(0, 40));
}

std::string page_cursor_text(const PageCursor& cursor, Sort sort) {
  return fmt::format("{}-{:x}-{:x}", kSorts[static_cast<std::size_t>(sort)],
                     std::bit_cast<std::uint64_t>(cursor.key), cursor.id);
}

Result<PageCursor> parse_page_cursor(std::string_view text, Sort sort) {
  if (text.empty()) return PageCursor{};
  const Error none =
      error(Code::invalid_argument, "the cursor is none of this sort; take next_cursor of the page before");
  const std::string start = fmt::format("{}-", kSorts[static_cast<std::size_t>(sort)]);
  if (!text.starts_with(start)) return none;
  const char* end = text.data() + text.size();
  std::uint64_t key = 0;
  PageCursor cursor;
  const auto first = std::from_chars(text.data() + start.size(), end, key, 16);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return none;
  const auto second = std::from_chars(first.ptr + 1, end, cursor.id, 16);
  if (second.ec != std::errc() || second.ptr != end || cursor.id < 1) return none;
  cursor.key = std::bit_cast<double>(key);
  return cursor;
}

std::vector<PageSql> page_sql(PageTable table, const Ids& ids, const Sql& where, const PagePlan& plan,
                              const PageCursor& cursor, Sort sort) {
  const std::string_view id = id_of(table);
  const std::string_view key = sort_column(table, sort);
  const bool ascending = sort == Sort::evalue || sort == Sort::blast;
  std::string source(table_name(table));
  source += " t";
  if (plan.kind == PagePlan::Kind::driven) {
    source += fmt::format(" INDEXED BY {}_{}", table_name(table), plan.driver->column);
  } else if (plan.kind == PagePlan::Kind::scan || sort == Sort::blast) {
    source += " NOT INDEXED";  // but by its ids
  } else {
    source += fmt::format(" INDEXED BY {}_{}", table_name(table), key);
  }
  const std::string order =
      sort == Sort::blast ? std::string(id) : fmt::format("t.{} {}, {}", key, ascending ? "ASC" : "DESC", id);
  const auto statement = [&](const std::string& behind, std::vector<Bound> values) {
    std::string all = behind;
    add_condition(all, ids_condition(table, ids));
    for (const Sql* part : {plan.driver != nullptr ? &plan.driver->sql : nullptr, &where}) {
      if (part == nullptr) continue;
      add_condition(all, part->text);
      values.insert(values.end(), part->values.begin(), part->values.end());
    }
    return PageSql{fmt::format("SELECT {}, t.{} FROM {}{}{} ORDER BY {} LIMIT ?", id, key, source,
                               all.empty() ? "" : " WHERE ", all, order),
                   std::move(values)};
  };
  if (cursor.id == 0) return {statement({}, {})};
  if (sort == Sort::blast) return {statement(fmt::format("{} > {}", id, cursor.id), {})};
  return {statement(fmt::format("t.{} = ? AND {} > {}", key, id, cursor.id), {cursor.key}),
          statement(fmt::format("t.{} {} ?", key, ascending ? ">" : "<"), {cursor.key})};
}

PageSql range_page_sql(PageTable table, const Sql& where) {
  return {fmt::format("SELECT t.id, t.id FROM {} t NOT INDEXED WHERE t.id BETWEEN ? AND ? AND {} ORDER BY "
                      "t.id LIMIT ?",
                      table_name(table), where.text),
          where.values};
}

std::string few_sql(PageTable table, std::string_view column, const std::string& where, std::size_t most) {
  return fmt::format("SELECT count(*) FROM (SELECT 1 FROM {0} t INDEXED BY {0}_{1} WHERE {2} LIMIT {3})",
                     table_name(table), column, where, most);
}

std::string count_sql(PageTable table, const Ids& ids, const std::string& where) {
  std::string all = ids_condition(table, ids);
  add_condition(all, where);
  return fmt::format("SELECT count(*) FROM {} t{}{}", table_name(table), all.empty() ? "" : " WHERE ", all);
}

void add_condition(std::string& where, std::string_view condition) {
  if (condition.empty()) return;
  if (!where.empty()) where += " AND ";
  where += condition;
}

std::string like_text(std::string_view piece) {
  std::string pattern = "%";
  for (const char c : piece) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace loom::results
