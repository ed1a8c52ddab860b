#include "results/listing.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace loom::results {
namespace {

Error no_hit(std::int64_t id, const IndexCounts& counts) {
  return error(Code::invalid_argument, "there is no hit {}; they are numbered from 0 to {}", id,
               static_cast<std::int64_t>(counts.hits) - 1);
}

/// The rows of the one that counts from 0 as `index`; `sql` gives the first, and how many. nullopt: there is
/// no such one.
Result<std::optional<IdRange>> range_of(IndexReader& reader, std::string_view sql, std::int64_t index) {
  LOOM_TRY(SqliteStatement find, reader.prepare(sql));
  LOOM_TRY(const SqliteStatement::Step step, find.seek(index + 1));
  if (step == SqliteStatement::Step::done) return std::optional<IdRange>();
  const std::int64_t first = find.integer_at(0);
  return std::optional(IdRange{first, first + find.integer_at(1) - 1});
}

}  // namespace

Result<IdRange> Listings::range_of_query(IndexReader& reader, Level level, std::int64_t query) const {
  LOOM_TRY(const auto range, range_of(reader,
                                      level == Level::hits ? "SELECT first_hit, hits FROM query WHERE id = ?"
                                                           : "SELECT first_hsp, hsps FROM query WHERE id = ?",
                                      query));
  if (range) return *range;
  return error(Code::invalid_argument, "there is no query {}; they are numbered from 0 to {}", query,
               static_cast<std::int64_t>(file_.counts().queries) - 1);
}

Result<IdRange> Listings::range_of_hit(IndexReader& reader, std::int64_t hit) const {
  LOOM_TRY(const auto range, range_of(reader, "SELECT first_hsp, hsps FROM hit WHERE id = ?", hit));
  if (!range) return no_hit(hit, file_.counts());
  return *range;
}

Status Listings::check_sort(Sort sort) const {
  if (sort == Sort::hits)
    return error(
        Code::invalid_argument,
        "sort: hits is an order of queries; use blast, evalue, bitscore, pident, length or coverage");
  if (sort == Sort::pident && !file_.holds(Field::pident)) return not_told("sort: pident", Field::pident);
  if (sort == Sort::length && !file_.holds(Field::length)) return not_told("sort: length", Field::length);
  if (sort == Sort::coverage && !file_.covers()) return not_told("sort: coverage", Field::qlen);
  return ok();
}

Result<std::vector<std::int64_t>> Listings::all_taxids(IndexReader& reader) {
  {
    const MutexLock lock(mutex_);
    if (taxids_) return *taxids_;
  }
  // From each one to the next: there are far fewer than rows.
  LOOM_TRY(SqliteStatement next, reader.prepare("SELECT min(taxid) FROM subject_taxid WHERE taxid > ?"));
  std::vector<std::int64_t> taxids;
  for (std::int64_t last = 0;;) {
    LOOM_CHECKED(next.seek(last));
    if (next.is_null(0)) break;
    taxids.push_back(last = next.integer_at(0));
  }
  const MutexLock lock(mutex_);
  taxids_ = taxids;
  return taxids;
}

Result<std::vector<std::int64_t>> Listings::members_of(IndexReader& reader, double clade) {
  if (!taxonomy_) return error(Code::conflict, "clade={}: there is no taxonomy here; use taxid", clade);
  const auto tree = taxonomy_();
  // Without a taxonomy nothing is wrong with the request.
  if (!tree && tree.error().code == Code::not_found)
    return error(Code::conflict, "clade={}: {}", clade, tree.error().message);
  if (!tree) return tree.error();
  const bool whole =
      clade >= 1 && clade <= std::numeric_limits<taxonomy::TaxId>::max() && clade == std::floor(clade);
  if (!whole) return error(Code::invalid_argument, "where: clade={} is no taxid", clade);
  const auto id = static_cast<taxonomy::TaxId>(clade);
  if (const auto known = (*tree)->find(id); !known)
    return error(Code::invalid_argument, "where: clade={}: {}", clade, known.error().message);
  LOOM_TRY(std::vector<std::int64_t> members, all_taxids(reader));
  std::erase_if(members,
                [&](std::int64_t one) { return !(*tree)->is_within(static_cast<taxonomy::TaxId>(one), id); });
  return members;
}

Result<std::shared_ptr<const SubjectSet>> Listings::find_subjects(IndexReader& reader, const Sql& select) {
  const std::string key = key_of(select);
  if (auto known = memory_.subjects(key)) return known;
  LOOM_TRY(SqliteStatement find,
           reader.prepare(
               fmt::format("SELECT s.subject, s.queries, s.hsps FROM subject_total s WHERE s.subject IN ({})",
                           select.text),
               select.values));
  auto set = std::make_shared<SubjectSet>(key);
  LOOM_CHECKED(find.each([&] {
    set->add(static_cast<std::size_t>(find.integer_at(0)), static_cast<std::uint64_t>(find.integer_at(1)),
             static_cast<std::uint64_t>(find.integer_at(2)));
  }));
  memory_.keep_subjects(set);
  return set;
}

Status Listings::apply(const Filter& asked, IndexReader& reader, Level level, Listing& listing) {
  LOOM_CHECKED(asked.check([this](Field field) { return file_.holds(field); }));
  Filter filter = asked;
  LOOM_CHECKED(filter.settle_clades([&](double clade) { return members_of(reader, clade); }));
  const FindSubjects find = [&](const Sql& select) { return find_subjects(reader, select); };
  LOOM_TRY(listing.where, filter.sql(level, find));
  LOOM_TRY(listing.parts, filter.indexed_parts(level, find));
  if (filter.empty()) return ok();
  LOOM_TRY(listing.sieve, filter.column_sieve(find));
  return ok();
}

Status Listings::select(const std::vector<std::int64_t>& hits, Listing& listing) const {
  if (hits.empty()) return ok();
  std::vector<std::int64_t> rows;
  for (const std::int64_t id : hits) {
    if (id < 0 || static_cast<std::uint64_t>(id) >= file_.counts().hits) return no_hit(id, file_.counts());
    rows.push_back(id + 1);
  }
  add_condition(listing.where.text, fmt::format("t.id IN ({})", fmt::join(rows, ",")));
  if (listing.sieve) listing.sieve->exact = false;
  return ok();
}

Result<Listing> Listings::rows(IndexReader& reader, Level level, const PageRequest& request) {
  const IndexCounts& counts = file_.counts();
  Listing listing{.table = level == Level::hits ? PageTable::hit : PageTable::hsp};
  listing.table_rows = static_cast<std::int64_t>(level == Level::hits ? counts.hits : counts.hsps);
  LOOM_CHECKED(check_sort(request.sort));
  LOOM_CHECKED(apply(request.filter, reader, level, listing));
  if (request.query) {
    LOOM_TRY(listing.ids, range_of_query(reader, level, *request.query));
  }
  LOOM_CHECKED(select(request.select, listing));
  if (request.hsps) listing.ids = {request.hsps->first + 1, request.hsps->second + 1};
  const auto [first, last] = listing.range();
  if (listing.where.text.empty()) listing.known_total = static_cast<std::uint64_t>(last - first + 1);
  return listing;
}

Result<Listing> Listings::queries(IndexReader& reader, const PageRequest& request) const {
  Listing listing{.table = PageTable::query};
  if (!request.find.empty()) listing.where = {"t.title LIKE ? ESCAPE '\\'", {like_text(request.find)}};
  if (request.with_hits) add_condition(listing.where.text, *request.with_hits ? "t.hits > 0" : "t.hits = 0");
  if (listing.where.text.empty()) listing.known_total = request.query ? 1 : file_.counts().queries;
  if (!request.query) return listing;
  LOOM_CHECKED(range_of_query(reader, Level::hits, *request.query));
  listing.ids = {*request.query + 1, *request.query + 1};
  return listing;
}

Result<Listing> Listings::subjects(IndexReader& reader, const PageRequest& request) {
  Listing listing{.table = PageTable::subject};
  if (!request.find.empty())
    listing.where = {
        "t.subject IN (SELECT id FROM subject WHERE name LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\')",
        {like_text(request.find), like_text(request.find)}};
  Filter filter;
  if (request.taxid) LOOM_CHECKED(filter.also("taxid", Op::equal, static_cast<double>(*request.taxid)));
  if (request.clade) LOOM_CHECKED(filter.also("clade", Op::equal, static_cast<double>(*request.clade)));
  LOOM_CHECKED(filter.settle_clades([&](double clade) { return members_of(reader, clade); }));
  LOOM_TRY(Sql taxa,
           filter.sql(Level::hits, [&](const Sql& select) { return find_subjects(reader, select); }));
  add_condition(listing.where.text, taxa.text);
  std::ranges::move(taxa.values, std::back_inserter(listing.where.values));
  if (listing.where.text.empty()) listing.known_total = file_.counts().subjects;
  return listing;
}

}  // namespace loom::results
