#include "results/hit_index.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <sstream>

#include "base/check.hpp"
#include "base/sha256.hpp"
#include "results/column_scan.hpp"
#include "results/page_memory.hpp"
#include "results/page_sql.hpp"
#include "results/row_columns.hpp"
#include "results/sqlite_file.hpp"

namespace loom::results {
namespace {

using Step = SqliteStatement::Step;

constexpr std::uint64_t kCacheBytes = std::uint64_t{8} << 20U;
constexpr int kInstructionsPerLook = 2000;  // of SQLite's machine; about 0.1 ms
constexpr std::size_t kMostIdle = 4;
constexpr std::chrono::milliseconds kCountTime{15};
// So few rows are all read and sorted.
constexpr int kFewRows = 10'000;
// So many are found by their ids before all rows of a table are read.
constexpr int kManyRows = 100'000;
// So many blocks are read in hope that they hold a page; some 5 ms.
constexpr std::size_t kQuickBlocks = 300;
constexpr std::size_t kAllBlocks = std::numeric_limits<std::size_t>::max();
constexpr const char* kSetType = "subjects";  // of the pointers that SQLite passes on

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

Error no_hit(std::int64_t id, const IndexCounts& counts) {
  return error(Code::invalid_argument, "there is no hit {}; they are numbered from 0 to {}", id,
               static_cast<std::int64_t>(counts.hits) - 1);
}

Status check_hits(const std::vector<std::int64_t>& ids, const IndexCounts& counts) {
  for (const std::int64_t id : ids)
    if (id < 0 || static_cast<std::uint64_t>(id) >= counts.hits) return no_hit(id, counts);
  return ok();
}

void bind(SqliteStatement& statement, const std::vector<Bound>& values, int first = 1) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int place = first + static_cast<int>(i);
    if (const double* number = std::get_if<double>(&values[i]); number != nullptr) {
      statement.real(place, *number);
    } else if (const std::string* text = std::get_if<std::string>(&values[i]); text != nullptr) {
      statement.text(place, *text);
    } else {
      statement.pointer(place, std::get<std::shared_ptr<const SubjectSet>>(values[i]).get(), kSetType);
    }
  }
}

/// Adds to `rows`, up to `limit`, what `statement` gives; its parameter at `place` is how many that is.
Status take_rows(SqliteStatement& statement, std::size_t place, std::size_t limit,
                 std::vector<PageCursor>& rows) {
  statement.integer(static_cast<int>(place), static_cast<std::int64_t>(limit - rows.size()));
  for (;;) {
    LOOM_TRY(const Step step, statement.step());
    if (step == Step::done) return ok();
    rows.push_back({.key = statement.real_at(1), .id = statement.integer_at(0)});
  }
}

/// SQL's chosen(subject, set).
void chosen(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const auto* set = static_cast<const SubjectSet*>(sqlite3_value_pointer(values[1], kSetType));
  const auto subject = static_cast<std::size_t>(sqlite3_value_int64(values[0]));
  sqlite3_result_int(context, set != nullptr && set->has(subject) ? 1 : 0);
}

std::string text_of(const Sql& sql) {
  std::string text = sql.text;
  for (const Bound& value : sql.values) {
    text += '\n';
    if (const double* number = std::get_if<double>(&value); number != nullptr) {
      text += fmt::to_string(*number);
      continue;
    }
    const std::string* words = std::get_if<std::string>(&value);
    const std::string& all =
        words != nullptr ? *words : std::get<std::shared_ptr<const SubjectSet>>(value)->key();
    text += fmt::format("{}:{}", all.size(), all);
  }
  return text;
}

}  // namespace

struct HitIndex::Reader {
  explicit Reader(SqliteFile opened) : file(std::move(opened)) {
    sqlite3_progress_handler(file.get(), kInstructionsPerLook, &Reader::is_late, this);
    sqlite3_create_function(file.get(), "chosen", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, &chosen,
                            nullptr, nullptr);
  }
  static int is_late(void* self) { return static_cast<Reader*>(self)->until.passed() ? 1 : 0; }

  SqliteFile file;
  Deadline until = Deadline::never();
};

struct HitIndex::Listing {
  PageTable table;
  std::optional<std::pair<std::int64_t, std::int64_t>> ids{};  ///< first and last, as in the file
  Sql where{};
  std::vector<Filter::Part> parts{};
  std::optional<ColumnSieve> sieve{};  ///< of `where`, of hits and HSPs
  std::optional<std::uint64_t> known_total{};
};

void HitIndex::Give::operator()(Reader* reader) const {
  std::unique_ptr<Reader> back(reader);
  const MutexLock lock(owner->mutex_);
  if (owner->idle_.size() < kMostIdle) owner->idle_.push_back(std::move(back));
}

HitIndex::~HitIndex() = default;

Result<std::shared_ptr<HitIndex>> HitIndex::open(const std::filesystem::path& path, OpenTaxonomy taxonomy,
                                                 const PageEffort& effort) {
  std::shared_ptr<HitIndex> index(new HitIndex());
  index->path_ = path;
  index->taxonomy_ = std::move(taxonomy);
  index->effort_ = effort;
  index->memory_ = std::make_unique<PageMemory>();
  LOOM_TRY(const Borrowed reader, index->borrow(Deadline::never()));
  LOOM_TRY(SqliteStatement all, reader->file.prepare("SELECT name, value FROM meta"));
  std::map<std::string, std::string> meta;
  for (;;) {
    LOOM_TRY(const Step step, all.step());
    if (step == Step::done) break;
    meta.emplace(all.text_at(0), all.text_at(1));
  }
  if (meta["version"] != fmt::to_string(kIndexVersion))
    return error(Code::corrupt, "hit index: version '{}' is not the {} of this program; make it again",
                 meta["version"], kIndexVersion);
  const auto number = [&meta](const char* name) {
    return static_cast<std::uint64_t>(std::strtoull(meta[name].c_str(), nullptr, 10));
  };
  index->counts_ = {.queries = number("queries"),
                    .queries_with_hits = number("queries_with_hits"),
                    .subjects = number("subjects"),
                    .hits = number("hits"),
                    .hsps = number("hsps")};
  index->columns_ = words_of(meta["columns"]);
  index->others_ = words_of(meta["others"]);
  index->histograms_ = meta["histograms"];
  return index;
}

bool HitIndex::holds(Field field) const {
  return columns_.empty() || std::ranges::any_of(columns_of(field), [this](std::string_view name) {
           return std::ranges::find(columns_, name) != columns_.end();
         });
}

bool HitIndex::covers() const {
  return holds(Field::qlen) && holds(Field::qstart) && holds(Field::qend);
}

Status HitIndex::check_sort(Sort sort) const {
  if (sort == Sort::pident && !holds(Field::pident)) return not_told("sort: pident", Field::pident);
  if (sort == Sort::length && !holds(Field::length)) return not_told("sort: length", Field::length);
  if (sort == Sort::coverage && !covers()) return not_told("sort: coverage", Field::qlen);
  return ok();
}

Result<HitIndex::Borrowed> HitIndex::borrow(Deadline deadline) {
  std::unique_ptr<Reader> reader;
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!reader) {
    LOOM_TRY(SqliteFile file, SqliteFile::open(path_, kCacheBytes));
    reader = std::make_unique<Reader>(std::move(file));
  }
  reader->until = deadline;
  return Borrowed(reader.release(), Give{this});
}

/// One text for each set of rows: a digest, for the taxids of a clade may be many.
std::string HitIndex::key_of(const Listing& listing) {
  return sha256_hex(
      text_of({count_sql(listing.table, listing.ids, listing.where.text), listing.where.values}));
}

Result<std::shared_ptr<const SubjectSet>> HitIndex::find_subjects(Reader& reader, const Sql& select) {
  const std::string key = sha256_hex(text_of(select));
  if (auto known = memory_->subjects(key)) return known;
  LOOM_TRY(SqliteStatement find,
           reader.file.prepare(fmt::format("SELECT s.subject, s.queries, s.hsps FROM subject_total s WHERE "
                                           "s.subject IN ({})",
                                           select.text)));
  bind(find, select.values);
  auto set = std::make_shared<SubjectSet>(key);
  for (;;) {
    LOOM_TRY(const Step step, find.step());
    if (step == Step::done) break;
    set->add(static_cast<std::size_t>(find.integer_at(0)), static_cast<std::uint64_t>(find.integer_at(1)),
             static_cast<std::uint64_t>(find.integer_at(2)));
  }
  memory_->keep_subjects(set);
  return set;
}

Result<std::optional<std::uint64_t>> HitIndex::total_of(Reader& reader, const Listing& listing,
                                                        const PageRequest& request, Deadline deadline) {
  if (listing.known_total) return listing.known_total;
  const std::string key = key_of(listing);
  // One that took long is counted for who asks for nothing else.
  const auto known = memory_->total(key);
  if (known && (*known || request.limit > 0)) return *known;
  if (!request.after.empty() && request.limit > 0) return std::optional<std::uint64_t>();
  reader.until = request.limit == 0 ? deadline : std::min(deadline, Deadline::in(kCountTime), earlier);
  const auto counted = count(reader, listing);
  reader.until = deadline;
  const bool late = !counted && counted.error().code == Code::timed_out && !deadline.passed();
  if (!counted && !late) return counted.error();
  const auto total = late ? std::nullopt : std::optional(*counted);
  memory_->keep_total(key, total);
  return total;
}

Result<std::uint64_t> HitIndex::count(Reader& reader, const Listing& listing) {
  if (listing.sieve && listing.sieve->exact) {
    LOOM_TRY(const Scanned scanned, scan_columns(reader.file, {.table = listing.table,
                                                               .ids = ids_of(listing),
                                                               .test = listing.sieve->test,
                                                               .count = true,
                                                               .until = reader.until}));
    return scanned.total;
  }
  LOOM_TRY(SqliteStatement rows,
           reader.file.prepare(count_sql(listing.table, listing.ids, listing.where.text)));
  bind(rows, listing.where.values);
  LOOM_CHECKED(rows.step());
  return static_cast<std::uint64_t>(rows.integer_at(0));
}

/// The ids of all rows that may be listed, of hits or HSPs.
std::pair<std::int64_t, std::int64_t> HitIndex::ids_of(const Listing& listing) const {
  const std::uint64_t all = listing.table == PageTable::hit ? counts_.hits : counts_.hsps;
  return listing.ids.value_or(std::pair<std::int64_t, std::int64_t>(1, all));
}

bool HitIndex::is_small(const Listing& listing) const {
  const auto [first, last] = ids_of(listing);
  return last - first < static_cast<std::int64_t>(effort_.scanned_rows);
}

/// The condition of the filter that allows the fewest rows, by its index; null unless they are fewer than
/// `most`.
Result<const Filter::Part*> HitIndex::driver_of(Reader& reader, const Listing& listing, std::size_t most) {
  const Filter::Part* driver = nullptr;
  for (const Filter::Part& part : listing.parts) {
    std::size_t found = part.rows.value_or(0);
    if (!part.rows) {
      LOOM_TRY(SqliteStatement count,
               reader.file.prepare(few_sql(listing.table, part.column, part.sql.text, most)));
      bind(count, part.sql.values);
      LOOM_CHECKED(count.step());
      found = static_cast<std::size_t>(count.integer_at(0));
    }
    if (found >= most) continue;
    most = found;
    driver = &part;
  }
  return driver;
}

Result<std::vector<PageCursor>> HitIndex::pick_by(Reader& reader, const Listing& listing, Sort sort,
                                                  const PagePlan& plan, const PageCursor& after,
                                                  std::size_t limit) {
  std::vector<PageCursor> rows;
  for (const PageSql& part : page_sql(listing.table, listing.ids, listing.where, plan, after, sort)) {
    LOOM_TRY(SqliteStatement statement, reader.file.prepare(part.text));
    bind(statement, part.values);
    LOOM_CHECKED(take_rows(statement, part.values.size() + 1, limit, rows));
    if (rows.size() == limit) break;
  }
  return rows;
}

/// As pick_by, and keeps what is behind the page.
Result<std::vector<PageCursor>> HitIndex::pick_ahead(Reader& reader, const Listing& listing, Sort sort,
                                                     const PagePlan& plan, const PageCursor& after,
                                                     std::size_t limit) {
  const std::size_t many = std::max(limit, PageMemory::kRowsAhead);
  LOOM_TRY(std::vector<PageCursor> rows, pick_by(reader, listing, sort, plan, after, many));
  const bool whole = rows.size() < many;
  if (whole && after.id == 0) memory_->keep_total(key_of(listing), rows.size());
  memory_->keep_rows(key_of(listing), sort, after, rows, whole);
  rows.resize(std::min(rows.size(), limit));
  return rows;
}

/// As pick_ahead, by the columns. nullopt for a quick look that did not find the page.
Result<std::optional<std::vector<PageCursor>>> HitIndex::scan_ahead(Reader& reader, const Listing& listing,
                                                                    Sort sort, const PageCursor& after,
                                                                    std::size_t limit, Look look) {
  const std::size_t many = std::max(limit, PageMemory::kRowsAhead);
  const ScanRequest request{.table = listing.table,
                            .ids = ids_of(listing),
                            .test = listing.sieve->test,
                            .sort = sort,
                            .after = after,
                            .page = look == Look::ahead ? many : limit,
                            .limit = many,
                            .count = is_small(listing) && after.id == 0,
                            .most_blocks = look == Look::quick ? kQuickBlocks : kAllBlocks,
                            .until = reader.until};
  LOOM_TRY(Scanned scanned, scan_columns(reader.file, request));
  std::vector<PageCursor>& rows = scanned.rows;
  if (!scanned.whole && rows.size() < limit) return std::optional<std::vector<PageCursor>>();
  if (request.count) memory_->keep_total(key_of(listing), scanned.total);
  if (scanned.whole && after.id == 0) memory_->keep_total(key_of(listing), rows.size());
  memory_->keep_rows(key_of(listing), sort, after, rows, scanned.whole);
  rows.resize(std::min(rows.size(), limit));
  return std::optional(std::move(rows));
}

/// In BLAST's order: what columns cannot tell is asked of the rows that they do not rule out.
Result<std::vector<PageCursor>> HitIndex::pick_sieved(Reader& reader, const Listing& listing,
                                                      const PageCursor& after, std::size_t limit) {
  const PageSql sql = range_page_sql(listing.table, listing.where);
  LOOM_TRY(SqliteStatement statement, reader.file.prepare(sql.text));
  bind(statement, sql.values, 3);
  Zones zones(reader.file, listing.table, kZoneRows);
  std::vector<PageCursor> rows;
  const auto [first, last] = ids_of(listing);
  for (std::int64_t id = std::max(first, after.id + 1); id <= last;
       id = zones.piece_of(id) + zones.piece_rows()) {
    LOOM_TRY(const std::vector<IdRange> ranges, zones.passing({id, last}, listing.sieve->test));
    for (const IdRange& range : ranges) {
      statement.reset();
      statement.integer(1, range.first);
      statement.integer(2, range.second);
      LOOM_CHECKED(take_rows(statement, sql.values.size() + 3, limit, rows));
      if (rows.size() == limit) return rows;
    }
  }
  return rows;
}

Result<std::vector<PageCursor>> HitIndex::places(Reader& reader, const Listing& listing, Sort sort,
                                                 const PageCursor& after, std::size_t limit,
                                                 Deadline deadline) {
  using Kind = PagePlan::Kind;
  if (listing.ids && listing.ids->second - listing.ids->first < kFewRows)
    return pick_by(reader, listing, sort, {Kind::scan}, after, limit);
  const auto scan = [&](Look look) -> Result<std::vector<PageCursor>> {
    LOOM_TRY(auto rows, scan_ahead(reader, listing, sort, after, limit, look));
    return *std::move(rows);
  };
  if (auto known = memory_->rows(key_of(listing), sort, after, limit)) return *std::move(known);
  const bool exact = listing.sieve && listing.sieve->exact;
  if (exact && is_small(listing)) return scan(Look::page);
  LOOM_TRY(const Filter::Part* driver, driver_of(reader, listing, kFewRows));
  if (driver != nullptr) return pick_ahead(reader, listing, sort, {Kind::driven, driver}, after, limit);
  if (exact && sort == Sort::blast) return scan(Look::page);
  if (listing.sieve && sort == Sort::blast) return pick_sieved(reader, listing, after, limit);
  if (exact && !memory_->was_in_vain(key_of(listing), sort)) {
    LOOM_TRY(auto quick, scan_ahead(reader, listing, sort, after, limit, Look::quick));
    if (quick) return *std::move(quick);
    memory_->keep_in_vain(key_of(listing), sort);
  }
  const bool sure = listing.where.text.empty() || sort == Sort::blast;
  reader.until = sure ? deadline : std::min(deadline, Deadline::in(effort_.patience), earlier);
  auto ordered = pick_by(reader, listing, sort, {}, after, limit);
  reader.until = deadline;
  const bool late = !ordered && ordered.error().code == Code::timed_out && !sure && !deadline.passed();
  if (!late) return ordered;
  if (exact) return scan(Look::ahead);
  LOOM_TRY(const Filter::Part* best, driver_of(reader, listing, kManyRows));
  return pick_ahead(reader, listing, sort, {best == nullptr ? Kind::scan : Kind::driven, best}, after, limit);
}

Result<HitIndex::Picked> HitIndex::pick(Reader& reader, const Listing& listing, const PageRequest& request,
                                        Deadline deadline) {
  Picked picked;
  if (request.limit == 0) {
    LOOM_TRY(picked.total, total_of(reader, listing, request, deadline));
    return picked;
  }
  LOOM_TRY(const PageCursor after, parse_page_cursor(request.after, request.sort));
  // One more than the page tells whether there is a next one.
  LOOM_TRY(std::vector<PageCursor> rows,
           places(reader, listing, request.sort, after, request.limit + 1, deadline));
  LOOM_TRY(picked.total, total_of(reader, listing, request, deadline));
  if (rows.size() > request.limit) {
    rows.pop_back();
    picked.next = page_cursor_text(rows.back(), request.sort);
  }
  for (const PageCursor& row : rows) picked.ids.push_back(row.id);
  return picked;
}

Result<std::pair<std::int64_t, std::int64_t>> HitIndex::range_of_query(Reader& reader, Level level,
                                                                       std::int64_t query) {
  LOOM_TRY(SqliteStatement find,
           reader.file.prepare(level == Level::hits ? "SELECT first_hit, hits FROM query WHERE id = ?"
                                                    : "SELECT first_hsp, hsps FROM query WHERE id = ?"));
  find.integer(1, query + 1);
  LOOM_TRY(const Step step, find.step());
  if (step == Step::done)
    return error(Code::invalid_argument, "there is no query {}; they are numbered from 0 to {}", query,
                 static_cast<std::int64_t>(counts_.queries) - 1);
  const std::int64_t first = find.integer_at(0);
  return std::pair{first, first + find.integer_at(1) - 1};
}

Result<std::vector<std::int64_t>> HitIndex::all_taxids(Reader& reader) {
  {
    const MutexLock lock(mutex_);
    if (taxids_) return *taxids_;
  }
  // From each one to the next: there are far fewer than rows.
  LOOM_TRY(SqliteStatement next, reader.file.prepare("SELECT min(taxid) FROM subject_taxid WHERE taxid > ?"));
  std::vector<std::int64_t> taxids;
  for (std::int64_t last = 0;;) {
    next.reset();
    next.integer(1, last);
    LOOM_CHECKED(next.step());
    if (next.is_null(0)) break;
    taxids.push_back(last = next.integer_at(0));
  }
  const MutexLock lock(mutex_);
  taxids_ = taxids;
  return taxids;
}

Result<std::vector<std::int64_t>> HitIndex::members_of(Reader& reader, double clade) {
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

Result<HitIndex::Listing> HitIndex::rows_listing(Reader& reader, Level level, const PageRequest& request) {
  Listing listing{.table = level == Level::hits ? PageTable::hit : PageTable::hsp};
  if (request.sort == Sort::hits)
    return error(
        Code::invalid_argument,
        "sort: hits is an order of queries; use blast, evalue, bitscore, pident, length or coverage");
  LOOM_CHECKED(check_sort(request.sort));
  LOOM_CHECKED(request.filter.check([this](Field field) { return holds(field); }));
  Filter filter = request.filter;
  LOOM_CHECKED(filter.settle_clades([&](double clade) { return members_of(reader, clade); }));
  const FindSubjects find = [&](const Sql& select) { return find_subjects(reader, select); };
  LOOM_TRY(listing.where, filter.sql(level, find));
  LOOM_TRY(listing.parts, filter.indexed_parts(level, find));
  if (!filter.empty()) {
    LOOM_TRY(listing.sieve, filter.column_sieve(find));
  }
  if (request.query) {
    LOOM_TRY(listing.ids, range_of_query(reader, level, *request.query));
  }
  if (!request.select.empty()) {
    LOOM_CHECKED(check_hits(request.select, counts_));
    if (!listing.where.text.empty()) listing.where.text += " AND ";
    if (listing.sieve) listing.sieve->exact = false;
    std::vector<std::int64_t> rows = request.select;
    for (std::int64_t& id : rows) ++id;
    listing.where.text += fmt::format("t.id IN ({})", fmt::join(rows, ","));
  }
  if (request.hsps) listing.ids = {request.hsps->first + 1, request.hsps->second + 1};
  if (!listing.where.text.empty()) return listing;
  if (listing.ids) {
    listing.known_total = static_cast<std::uint64_t>(listing.ids->second - listing.ids->first + 1);
  } else {
    listing.known_total = level == Level::hits ? counts_.hits : counts_.hsps;
  }
  return listing;
}

Result<Page<Hit>> HitIndex::hits(const PageRequest& request, Deadline deadline) {
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  LOOM_TRY(const Listing listing, rows_listing(*reader, Level::hits, request));
  LOOM_TRY(Picked picked, pick(*reader, listing, request, deadline));
  LOOM_TRY(SqliteStatement get,
           reader->file.prepare(fmt::format(
               "SELECT t.id, t.id - q.first_hit, t.query, q.name, t.evalue_text, t.bits_text, t.total_text, "
               "t.pident_text, t.max_pident, t.length, t.coverage, t.hsps, t.first_hsp, {} FROM hit t CROSS "
               "JOIN query q "
               "ON q.id = t.query CROSS JOIN subject s ON s.id = t.subject WHERE t.id = ?",
               kSubjectColumns)));
  LOOM_TRY(SqliteStatement hsps,
           reader->file.prepare(fmt::format("SELECT {} WHERE t.id BETWEEN ? AND ? ORDER BY t.id",
                                            hsp_source(request.alignments))));
  Page<Hit> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  for (const std::int64_t id : picked.ids) {
    get.reset();
    get.integer(1, id);
    LOOM_CHECKED(get.step());
    Columns row(get);
    Hit hit;
    hit.id = row.index();
    hit.index = row.integer();
    hit.query = row.index();
    for (std::string* text : {&hit.query_name, &hit.evalue, &hit.bitscore, &hit.total, &hit.pident})
      *text = row.text();
    hit.max_pident = row.real();
    hit.length = row.integer();
    hit.coverage = row.maybe();
    if (!covers()) hit.coverage.reset();
    hit.hsp_count = row.integer();
    hit.first_hsp = row.index();
    hit.subject = take_subject(row);
    const auto shown = std::min<std::int64_t>(hit.hsp_count, static_cast<std::int64_t>(request.hsps_per_hit));
    hsps.reset();
    hsps.integer(1, hit.first_hsp + 1);
    hsps.integer(2, hit.first_hsp + shown);
    for (std::int64_t i = 0; i < shown; ++i) {
      LOOM_CHECKED(hsps.step());
      Columns one(hsps);
      hit.hsps.push_back(take_hsp(one, covers(), request.alignments));
    }
    page.rows.push_back(std::move(hit));
  }
  return page;
}

Status HitIndex::each_hit(const PageRequest& request, const std::function<void(const HitBrief&)>& visit,
                          Deadline deadline) {
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  LOOM_TRY(const Listing listing, rows_listing(*reader, Level::hits, request));
  std::string where = listing.where.text.empty() ? "1" : listing.where.text;
  if (listing.ids)
    where += fmt::format(" AND t.id BETWEEN {} AND {}", listing.ids->first, listing.ids->second);
  LOOM_TRY(
      SqliteStatement all,
      reader->file.prepare(fmt::format(
          "SELECT t.query, t.subject, t.bits, t.evalue_text, t.bits_text, s.taxids, s.sciname FROM hit t NOT "
          "INDEXED CROSS JOIN subject s ON s.id = t.subject WHERE {} ORDER BY t.id",
          where)));
  bind(all, listing.where.values);
  for (;;) {
    LOOM_TRY(const Step step, all.step());
    if (step == Step::done) return ok();
    visit({.query = all.integer_at(0) - 1,
           .subject = all.integer_at(1) - 1,
           .bits = all.real_at(2),
           .evalue = all.text_at(3),
           .bitscore = all.text_at(4),
           .taxids = all.text_at(5),
           .sciname = all.text_at(6)});
  }
}

Status HitIndex::each_number(const PageRequest& request, const std::function<void(const HitNumbers&)>& visit,
                             Deadline deadline) {
  LOOM_CHECK(request.query, "numbers are counted of one query");
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  LOOM_TRY(const Listing listing, rows_listing(*reader, Level::hits, request));
  LOOM_TRY(SqliteStatement all,
           reader->file.prepare(fmt::format("SELECT t.evalue, t.pident, t.length, t.coverage, ({}) FROM hit "
                                            "t NOT INDEXED WHERE t.id BETWEEN {} AND {}",
                                            listing.where.text.empty() ? "1" : listing.where.text,
                                            listing.ids->first, listing.ids->second)));
  bind(all, listing.where.values);
  for (;;) {
    LOOM_TRY(const Step step, all.step());
    if (step == Step::done) return ok();
    visit({.evalue = all.real_at(0),
           .pident = all.real_at(1),
           .length = all.integer_at(2),
           .coverage = all.integer_at(3),
           .passes = all.integer_at(4) != 0});
  }
}

Result<Page<HspRow>> HitIndex::hsps(const PageRequest& request, Deadline deadline) {
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  LOOM_TRY(const Listing listing, rows_listing(*reader, Level::hsps, request));
  LOOM_TRY(Picked picked, pick(*reader, listing, request, deadline));
  LOOM_TRY(SqliteStatement get,
           reader->file.prepare(fmt::format("SELECT {} WHERE t.id = ?", hsp_source(request.alignments))));
  LOOM_TRY(SqliteStatement get_query,
           reader->file.prepare(fmt::format("SELECT {} FROM query q WHERE q.id = ?", kQueryColumns)));
  LOOM_TRY(SqliteStatement get_subject,
           reader->file.prepare(fmt::format("SELECT {} FROM subject s WHERE s.id = ?", kSubjectColumns)));
  Page<HspRow> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  page.rows.reserve(picked.ids.size());
  for (const std::int64_t id : picked.ids) {
    HspRow row;
    get.reset();
    get.integer(1, id);
    LOOM_CHECKED(get.step());
    Columns columns(get);
    row.hsp = take_hsp(columns, covers(), request.alignments);
    const HspRow* last = page.rows.empty() ? nullptr : &page.rows.back();
    if (last != nullptr && last->hsp.query == row.hsp.query) {
      row.query = last->query;
    } else {
      get_query.reset();
      get_query.integer(1, row.hsp.query + 1);
      LOOM_CHECKED(get_query.step());
      Columns of_query(get_query);
      row.query = take_query(of_query);
    }
    get_subject.reset();
    get_subject.integer(1, row.hsp.subject + 1);
    LOOM_CHECKED(get_subject.step());
    Columns of_subject(get_subject);
    row.subject = take_subject(of_subject);
    page.rows.push_back(std::move(row));
  }
  return page;
}

Result<Page<Query>> HitIndex::queries(const PageRequest& request, Deadline deadline) {
  if (request.sort != Sort::blast && request.sort != Sort::hits && request.sort != Sort::evalue)
    return error(Code::invalid_argument, "sort: queries are sorted by blast, hits or evalue");
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  Listing listing{.table = PageTable::query};
  if (!request.find.empty()) listing.where = {"t.title LIKE ? ESCAPE '\\'", {like_text(request.find)}};
  if (request.with_hits) {
    if (!listing.where.text.empty()) listing.where.text += " AND ";
    listing.where.text += *request.with_hits ? "t.hits > 0" : "t.hits = 0";
  }
  if (listing.where.text.empty()) listing.known_total = request.query ? 1 : counts_.queries;
  if (request.query) {
    LOOM_CHECKED(range_of_query(*reader, Level::hits, *request.query));
    listing.ids = {*request.query + 1, *request.query + 1};
  }
  // Those without hits have no E-value, and come last.
  LOOM_TRY(Picked picked, pick(*reader, listing, request, deadline));
  LOOM_TRY(SqliteStatement get,
           reader->file.prepare(fmt::format(
               "SELECT {}, s.name, s.title FROM query q LEFT JOIN hit h ON h.id = q.first_hit AND q.hits > 0 "
               "LEFT JOIN subject s ON s.id = h.subject WHERE q.id = ?",
               kQueryColumns)));
  Page<Query> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  for (const std::int64_t id : picked.ids) {
    get.reset();
    get.integer(1, id);
    LOOM_CHECKED(get.step());
    Columns row(get);
    Query query = take_query(row);
    query.best_subject = row.text();
    query.best_title = row.text();
    page.rows.push_back(std::move(query));
  }
  return page;
}

Result<Page<SubjectTotal>> HitIndex::subjects(const PageRequest& request, Deadline deadline) {
  if (request.sort == Sort::pident || request.sort == Sort::length || request.sort == Sort::coverage)
    return error(Code::invalid_argument, "sort: subjects are sorted by blast, hits, evalue or bitscore");
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  Listing listing{.table = PageTable::subject};
  if (!request.find.empty())
    listing.where = {
        "t.subject IN (SELECT id FROM subject WHERE name LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\')",
        {like_text(request.find), like_text(request.find)}};
  Filter filter;
  if (request.taxid) LOOM_CHECKED(filter.also("taxid", Op::equal, static_cast<double>(*request.taxid)));
  if (request.clade) LOOM_CHECKED(filter.also("clade", Op::equal, static_cast<double>(*request.clade)));
  LOOM_CHECKED(filter.settle_clades([&](double clade) { return members_of(*reader, clade); }));
  LOOM_TRY(Sql taxa,
           filter.sql(Level::hits, [&](const Sql& select) { return find_subjects(*reader, select); }));
  if (!taxa.text.empty()) {
    if (!listing.where.text.empty()) listing.where.text += " AND ";
    listing.where.text += taxa.text;
    std::ranges::move(taxa.values, std::back_inserter(listing.where.values));
  }
  if (listing.where.text.empty()) listing.known_total = counts_.subjects;
  LOOM_TRY(Picked picked, pick(*reader, listing, request, deadline));
  LOOM_TRY(SqliteStatement get, reader->file.prepare(fmt::format(
                                    "SELECT {}, t.queries, t.hsps, t.evalue, t.bits FROM subject_total t "
                                    "CROSS JOIN subject s ON s.id = t.subject WHERE t.subject = ?",
                                    kSubjectColumns)));
  Page<SubjectTotal> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  for (const std::int64_t id : picked.ids) {
    get.reset();
    get.integer(1, id);
    LOOM_CHECKED(get.step());
    Columns row(get);
    SubjectTotal total;
    total.subject = take_subject(row);
    total.queries = row.integer();
    total.hsps = row.integer();
    total.evalue = row.real();
    total.bitscore = row.real();
    page.rows.push_back(std::move(total));
  }
  return page;
}

Result<std::vector<std::uint32_t>> HitIndex::depth(std::int64_t query, Deadline deadline) {
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  LOOM_CHECKED(range_of_query(*reader, Level::hits, query));
  LOOM_TRY(SqliteStatement get, reader->file.prepare("SELECT bins FROM depth WHERE query = ?"));
  get.integer(1, query + 1);
  LOOM_TRY(const Step step, get.step());
  std::vector<std::uint32_t> bins;
  if (step == Step::done) return bins;
  const std::string_view bytes = get.text_at(0);
  bins.resize(bytes.size() / sizeof(bins[0]));
  std::memcpy(bins.data(), bytes.data(), bins.size() * sizeof(bins[0]));
  return bins;
}

Result<std::pair<std::int64_t, std::int64_t>> HitIndex::hsps_of(std::int64_t hit, Deadline deadline) {
  LOOM_TRY(const Borrowed reader, borrow(deadline));
  LOOM_TRY(SqliteStatement get, reader->file.prepare("SELECT first_hsp, hsps FROM hit WHERE id = ?"));
  get.integer(1, hit + 1);
  LOOM_TRY(const Step step, get.step());
  if (step == Step::done) return no_hit(hit, counts_);
  const std::int64_t first = get.integer_at(0) - 1;
  return std::pair{first, first + get.integer_at(1) - 1};
}

}  // namespace loom::results
