#include "results/hit_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "results/index_file.hpp"
#include "results/listing.hpp"
#include "results/page_memory.hpp"
#include "results/page_pick.hpp"
#include "results/row_columns.hpp"

namespace loom::results {

HitIndex::HitIndex(std::unique_ptr<IndexFile> file, OpenTaxonomy taxonomy, const PageEffort& effort)
    : file_(std::move(file)),
      memory_(std::make_unique<PageMemory>()),
      listings_(std::make_unique<Listings>(*file_, *memory_, std::move(taxonomy))),
      effort_(effort) {}

HitIndex::~HitIndex() = default;

Result<std::shared_ptr<HitIndex>> HitIndex::open(const std::filesystem::path& path, OpenTaxonomy taxonomy,
                                                 const PageEffort& effort) {
  LOOM_TRY(std::unique_ptr<IndexFile> file, IndexFile::open(path));
  return std::shared_ptr<HitIndex>(new HitIndex(std::move(file), std::move(taxonomy), effort));
}

const IndexCounts& HitIndex::counts() const {
  return file_->counts();
}
const std::vector<std::string>& HitIndex::columns() const {
  return file_->columns();
}
const std::vector<std::string>& HitIndex::others() const {
  return file_->others();
}
const std::string& HitIndex::histograms() const {
  return file_->histograms();
}
bool HitIndex::holds(Field field) const {
  return file_->holds(field);
}
bool HitIndex::covers() const {
  return file_->covers();
}

Result<Page<Hit>> HitIndex::hits(const PageRequest& request, Deadline deadline) {
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_TRY(const Listing listing, listings_->rows(*reader, Level::hits, request));
  LOOM_TRY(Picked picked, pick_page(*reader, listing, request, *memory_, effort_));
  LOOM_TRY(SqliteStatement get,
           reader->prepare(fmt::format("SELECT {}, {} FROM hit t CROSS JOIN query q ON q.id = t.query "
                                       "CROSS JOIN subject s ON s.id = t.subject WHERE t.id = ?",
                                       kHitColumns, kSubjectColumns)));
  LOOM_TRY(SqliteStatement hsps,
           reader->prepare(fmt::format("SELECT {} WHERE t.id BETWEEN ? AND ? ORDER BY t.id",
                                       hsp_source(request.alignments))));
  Page<Hit> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  for (const std::int64_t id : picked.ids) {
    LOOM_CHECKED(get.seek(id));
    Columns row(get);
    Hit& hit = page.rows.emplace_back(take_hit(row, covers()));
    const auto shown = std::min<std::int64_t>(hit.hsp_count, static_cast<std::int64_t>(request.hsps_per_hit));
    hsps.reset();
    hsps.integer(1, hit.first_hsp + 1);
    hsps.integer(2, hit.first_hsp + shown);
    LOOM_CHECKED(hsps.each([&] {
      Columns one(hsps);
      hit.hsps.push_back(take_hsp(one, covers(), request.alignments));
    }));
  }
  return page;
}

Status HitIndex::each_hit(const PageRequest& request, const std::function<void(const HitBrief&)>& visit,
                          Deadline deadline) {
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_TRY(const Listing listing, listings_->rows(*reader, Level::hits, request));
  std::string where = listing.where.text.empty() ? "1" : listing.where.text;
  if (listing.ids)
    where += fmt::format(" AND t.id BETWEEN {} AND {}", listing.ids->first, listing.ids->second);
  LOOM_TRY(
      SqliteStatement all,
      reader->prepare(
          fmt::format(
              "SELECT t.query, t.subject, t.bits, t.evalue_text, t.bits_text, s.taxids, s.sciname FROM hit t "
              "NOT INDEXED CROSS JOIN subject s ON s.id = t.subject WHERE {} ORDER BY t.id",
              where),
          listing.where.values));
  return all.each([&] {
    visit({.query = all.integer_at(0) - 1,
           .subject = all.integer_at(1) - 1,
           .bits = all.real_at(2),
           .evalue = all.text_at(3),
           .bitscore = all.text_at(4),
           .taxids = all.text_at(5),
           .sciname = all.text_at(6)});
  });
}

Status HitIndex::each_number(const PageRequest& request, const std::function<void(const HitNumbers&)>& visit,
                             Deadline deadline) {
  LOOM_CHECK(request.query, "numbers are counted of one query");
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_TRY(const Listing listing, listings_->rows(*reader, Level::hits, request));
  LOOM_TRY(SqliteStatement all,
           reader->prepare(fmt::format("SELECT t.evalue, t.pident, t.length, t.coverage, ({}) FROM hit t NOT "
                                       "INDEXED WHERE t.id BETWEEN {} AND {}",
                                       listing.where.text.empty() ? "1" : listing.where.text,
                                       listing.ids->first, listing.ids->second),
                           listing.where.values));
  return all.each([&] {
    visit({.evalue = all.real_at(0),
           .pident = all.real_at(1),
           .length = all.integer_at(2),
           .coverage = all.integer_at(3),
           .passes = all.integer_at(4) != 0});
  });
}

Result<Page<HspRow>> HitIndex::hsps(const PageRequest& request, Deadline deadline) {
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_TRY(const Listing listing, listings_->rows(*reader, Level::hsps, request));
  LOOM_TRY(Picked picked, pick_page(*reader, listing, request, *memory_, effort_));
  LOOM_TRY(SqliteStatement get,
           reader->prepare(fmt::format("SELECT {} WHERE t.id = ?", hsp_source(request.alignments))));
  LOOM_TRY(SqliteStatement get_query,
           reader->prepare(fmt::format("SELECT {} FROM query q WHERE q.id = ?", kQueryColumns)));
  LOOM_TRY(SqliteStatement get_subject,
           reader->prepare(fmt::format("SELECT {} FROM subject s WHERE s.id = ?", kSubjectColumns)));
  Page<HspRow> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  page.rows.reserve(picked.ids.size());
  for (const std::int64_t id : picked.ids) {
    HspRow row;
    LOOM_CHECKED(get.seek(id));
    Columns columns(get);
    row.hsp = take_hsp(columns, covers(), request.alignments);
    const HspRow* last = page.rows.empty() ? nullptr : &page.rows.back();
    if (last != nullptr && last->hsp.query == row.hsp.query) {
      row.query = last->query;
    } else {
      LOOM_CHECKED(get_query.seek(row.hsp.query + 1));
      Columns of_query(get_query);
      row.query = take_query(of_query);
    }
    LOOM_CHECKED(get_subject.seek(row.hsp.subject + 1));
    Columns of_subject(get_subject);
    row.subject = take_subject(of_subject);
    page.rows.push_back(std::move(row));
  }
  return page;
}

Result<Page<Query>> HitIndex::queries(const PageRequest& request, Deadline deadline) {
  if (request.sort != Sort::blast && request.sort != Sort::hits && request.sort != Sort::evalue)
    return error(Code::invalid_argument, "sort: queries are sorted by blast, hits or evalue");
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_TRY(const Listing listing, listings_->queries(*reader, request));
  // Those without hits have no E-value, and come last.
  LOOM_TRY(Picked picked, pick_page(*reader, listing, request, *memory_, effort_));
  LOOM_TRY(SqliteStatement get,
           reader->prepare(fmt::format("SELECT {}, s.name, s.title FROM query q LEFT JOIN hit h ON h.id = "
                                       "q.first_hit AND q.hits > 0 LEFT JOIN subject s ON s.id = h.subject "
                                       "WHERE q.id = ?",
                                       kQueryColumns)));
  Page<Query> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  for (const std::int64_t id : picked.ids) {
    LOOM_CHECKED(get.seek(id));
    Columns row(get);
    Query& query = page.rows.emplace_back(take_query(row));
    query.best_subject = row.text();
    query.best_title = row.text();
  }
  return page;
}

Result<Page<SubjectTotal>> HitIndex::subjects(const PageRequest& request, Deadline deadline) {
  if (request.sort == Sort::pident || request.sort == Sort::length || request.sort == Sort::coverage)
    return error(Code::invalid_argument, "sort: subjects are sorted by blast, hits, evalue or bitscore");
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_TRY(const Listing listing, listings_->subjects(*reader, request));
  LOOM_TRY(Picked picked, pick_page(*reader, listing, request, *memory_, effort_));
  LOOM_TRY(SqliteStatement get,
           reader->prepare(fmt::format("SELECT {}, {} FROM subject_total t CROSS JOIN subject s ON s.id = "
                                       "t.subject WHERE t.subject = ?",
                                       kSubjectColumns, kTotalColumns)));
  Page<SubjectTotal> page{.rows = {}, .total = picked.total, .next = std::move(picked.next)};
  for (const std::int64_t id : picked.ids) {
    LOOM_CHECKED(get.seek(id));
    Columns row(get);
    page.rows.push_back(take_total(row));
  }
  return page;
}

Result<std::vector<std::uint32_t>> HitIndex::depth(std::int64_t query, Deadline deadline) {
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_CHECKED(listings_->range_of_query(*reader, Level::hits, query));
  LOOM_TRY(SqliteStatement get, reader->prepare("SELECT bins FROM depth WHERE query = ?"));
  LOOM_TRY(const SqliteStatement::Step step, get.seek(query + 1));
  std::vector<std::uint32_t> bins;
  if (step == SqliteStatement::Step::done) return bins;
  const std::string_view bytes = get.text_at(0);
  bins.resize(bytes.size() / sizeof(bins[0]));
  std::memcpy(bins.data(), bytes.data(), bins.size() * sizeof(bins[0]));
  return bins;
}

Result<std::pair<std::int64_t, std::int64_t>> HitIndex::hsps_of(std::int64_t hit, Deadline deadline) {
  LOOM_TRY(const auto reader, file_->borrow(deadline));
  LOOM_TRY(const IdRange range, listings_->range_of_hit(*reader, hit));
  return std::pair{range.first - 1, range.second - 1};
}

}  // namespace loom::results
