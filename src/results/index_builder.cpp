#include "results/index_builder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/fd.hpp"
#include "base/number.hpp"
#include "results/columns.hpp"
#include "results/histograms.hpp"
#include "results/sqlite_file.hpp"
#include "results/subject_ids.hpp"

namespace loom::results {
namespace {

namespace fs = std::filesystem;
using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

constexpr std::uint64_t kMakingCacheBytes = std::uint64_t{40} << 20U;
constexpr std::size_t kBlock = std::size_t{1} << 18U;
constexpr std::int64_t kMostBins = 200;
constexpr double kNoEvalue = 1e300;  // of a query without hits: it is last in the order

// Rows come in BLAST's order, so a query's hits and HSPs, and a hit's HSPs, are ranges of ids.
constexpr const char* kTables = R"(
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE query(id INTEGER PRIMARY KEY, name TEXT, title TEXT, iteration INT, length INT, hits INT, hsps INT,
  first_hit INT, first_hsp INT, evalue REAL, bits REAL, evalue_text TEXT, bits_text TEXT);
CREATE TABLE depth(query INTEGER PRIMARY KEY, bins BLOB);
CREATE TABLE subject(id INTEGER PRIMARY KEY, name TEXT, title TEXT, taxids TEXT, sciname TEXT, length INT);
CREATE TABLE subject_taxid(taxid INT, subject INT, PRIMARY KEY(taxid, subject)) WITHOUT ROWID;
CREATE TABLE hit(id INTEGER PRIMARY KEY, query INT, subject INT, first_hsp INT, hsps INT, evalue REAL, bits REAL,
  pident REAL, length INT, coverage INT, total REAL, max_pident REAL, score INT, evalue_text TEXT, bits_text TEXT,
  pident_text TEXT, total_text TEXT);
CREATE TABLE hsp(id INTEGER PRIMARY KEY, hit INT, query INT, subject INT, evalue REAL, bits REAL, pident REAL,
  length INT, coverage INT, mismatch INT, gapopen INT, qstart INT, qend INT, sstart INT, send INT, score INT,
  nident INT, positive INT, gaps INT, qframe INT, sframe INT, evalue_text TEXT, bits_text TEXT, pident_text TEXT,
  others TEXT);
CREATE TABLE alignment(hsp INTEGER PRIMARY KEY, qseq TEXT, sseq TEXT);
BEGIN;
)";

// A sort's index holds the id too, so ties are in BLAST's order.
constexpr const char* kIndexes = R"(
CREATE INDEX hsp_evalue ON hsp(evalue);
CREATE INDEX hsp_bits ON hsp(bits DESC);
CREATE INDEX hsp_pident ON hsp(pident DESC);
CREATE INDEX hsp_length ON hsp(length DESC);
CREATE INDEX hsp_coverage ON hsp(coverage DESC);
CREATE INDEX hsp_subject ON hsp(subject);
CREATE INDEX hit_evalue ON hit(evalue);
CREATE INDEX hit_bits ON hit(bits DESC);
CREATE INDEX hit_pident ON hit(pident DESC);
CREATE INDEX hit_length ON hit(length DESC);
CREATE INDEX hit_coverage ON hit(coverage DESC);
CREATE INDEX hit_subject ON hit(subject, evalue, bits, hsps);
CREATE INDEX subject_name ON subject(name);
CREATE INDEX query_hits ON query(hits DESC);
CREATE INDEX query_evalue ON query(evalue);
CREATE TABLE subject_total(subject INTEGER PRIMARY KEY, queries INT, hsps INT, evalue REAL, bits REAL);
INSERT INTO subject_total SELECT subject, count(*), sum(hsps), min(evalue), max(bits)
  FROM hit INDEXED BY hit_subject GROUP BY subject;
CREATE INDEX subject_total_queries ON subject_total(queries DESC);
CREATE INDEX subject_total_evalue ON subject_total(evalue);
CREATE INDEX subject_total_bits ON subject_total(bits DESC);
COMMIT;
)";

std::string_view without_spaces(std::string_view cell) {
  while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
  while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
  return cell;
}

template <class Number>
Result<Number> read_number(std::string_view text, std::string_view column) {
  if (const auto number = number_of<Number>(text); number && *number == *number) return *number;  // no NaN
  return error(Code::corrupt, "column {}: not a number: '{}'", column, text.substr(0, 40));
}

/// One HSP as read; the views are the row's.
struct ReadRow {
  double evalue = 0;
  double bits = 0;
  double pident = 0;
  std::array<std::optional<std::int64_t>, kFields> whole{};
  std::string_view evalue_text;
  std::string_view bits_text;
  std::string_view pident_text;

  [[nodiscard]] std::optional<std::int64_t> get(Field field) const {
    return whole[static_cast<std::size_t>(field)];
  }
};

constexpr std::array kWhole{Field::length, Field::mismatch, Field::gapopen, Field::qstart, Field::qend,
                            Field::sstart, Field::send,     Field::score,   Field::nident, Field::positive,
                            Field::gaps,   Field::qframe,   Field::sframe,  Field::qlen,   Field::slen};
constexpr std::size_t kWholeOfHsp = 13;  // the first of them are columns of hsp, in this order but for length

/// What is known of the hit whose HSPs come.
struct OpenHit {
  std::uint32_t subject = 0;
  std::int64_t first_hsp = 0;
  std::int64_t hsps = 0;
  double evalue = 0;
  double bits = 0;
  double pident = 0;
  double max_pident = 0;
  double total = 0;
  std::int64_t length = 0;
  std::int64_t score = 0;
  std::string evalue_text;
  std::string bits_text;
  std::string pident_text;
  Ranges ranges;
};

struct OpenQuery {
  std::string title;
  std::string name;
  int iteration = 1;
  std::optional<std::int64_t> length;
  std::int64_t hits = 0;
  std::int64_t hsps = 0;
  double evalue = 0;
  double bits = 0;
  std::string evalue_text;
  std::string bits_text;
  std::vector<std::int64_t> steps;  ///< by how much the depth changes at each bin
};

struct Statements {
  SqliteStatement query, depth, subject, taxid, hit, hsp, alignment, meta;
  ColumnWriter hit_columns, hsp_columns;
};

class Builder final : public TabularEvents {
 public:
  Builder(SqliteFile file, Statements statements) : file_(std::move(file)), to_(std::move(statements)) {}
  static Result<std::unique_ptr<Builder>> create(const fs::path& path);

  Status begin_query(std::string_view title, int iteration) override;
  Status row(const Layout& layout, std::span<const std::string_view> cells) override;
  Status check_together();
  Result<IndexCounts> finish(const TabularReader& reader);

 private:
  static Status read_row(const Layout& layout, std::span<const std::string_view> cells, ReadRow& row);
  Status end_query();
  Status end_hit();
  Result<std::uint32_t> subject_of(const Layout& layout, std::span<const std::string_view> cells,
                                   const ReadRow& row);
  Status add_taxids(std::uint32_t subject, std::string_view taxids);
  void add_to_hit(const ReadRow& row);
  void add_to_query(const ReadRow& row);
  void add_depth(std::int64_t from, std::int64_t until);
  Status write_hsp(const Layout& layout, std::span<const std::string_view> cells, const ReadRow& row);
  Status write_meta(std::string_view name, std::string_view value);

  SqliteFile file_;
  Statements to_;
  SubjectIds ids_;
  Histograms histograms_;
  IndexCounts counts_;
  OpenQuery query_;
  OpenHit hit_;
  std::string subject_cell_;
  std::string key_;
  std::string others_;
  std::int64_t queries_ = 0;  // begun
  std::int64_t hits_ = 0;     // begun
  std::int64_t hsps_ = 0;
  bool in_hit_ = false;
};

Result<std::unique_ptr<Builder>> Builder::create(const fs::path& path) {
  LOOM_TRY(SqliteFile file, SqliteFile::create(path, kMakingCacheBytes));
  LOOM_CHECKED(file.script(kTables));
  const auto insert = [&file](std::string_view table, int columns) {
    std::string marks = "?";
    for (int i = 1; i < columns; ++i) marks += ",?";
    return file.prepare(fmt::format("INSERT INTO {} VALUES({})", table, marks));
  };
  LOOM_TRY(SqliteStatement query, insert("query", 13));
  LOOM_TRY(SqliteStatement depth, insert("depth", 2));
  LOOM_TRY(SqliteStatement subject, insert("subject", 6));
  LOOM_TRY(SqliteStatement taxid, file.prepare("INSERT OR IGNORE INTO subject_taxid VALUES(?,?)"));
  LOOM_TRY(SqliteStatement hit, insert("hit", 17));
  LOOM_TRY(SqliteStatement hsp, insert("hsp", 25));
  LOOM_TRY(SqliteStatement alignment, insert("alignment", 3));
  LOOM_TRY(SqliteStatement meta, insert("meta", 2));
  LOOM_TRY(ColumnWriter hit_columns, ColumnWriter::create(file, PageTable::hit));
  LOOM_TRY(ColumnWriter hsp_columns, ColumnWriter::create(file, PageTable::hsp));
  return std::make_unique<Builder>(
      std::move(file), Statements{std::move(query), std::move(depth), std::move(subject), std::move(taxid),
                                  std::move(hit), std::move(hsp), std::move(alignment), std::move(meta),
                                  std::move(hit_columns), std::move(hsp_columns)});
}

Status Builder::begin_query(std::string_view title, int iteration) {
  LOOM_CHECKED(end_query());
  ++queries_;
  query_ = {};
  query_.title = title;
  query_.name = title.substr(0, title.find_first_of(" \t"));
  query_.iteration = iteration;
  return ok();
}

Status Builder::read_row(const Layout& layout, std::span<const std::string_view> cells, ReadRow& row) {
  row.evalue_text = without_spaces(cells[*layout.place(Field::evalue)]);
  row.bits_text = without_spaces(cells[*layout.place(Field::bitscore)]);
  LOOM_TRY(row.evalue, read_number<double>(row.evalue_text, "evalue"));
  LOOM_TRY(row.bits, read_number<double>(row.bits_text, "bitscore"));
  if (const auto at = layout.place(Field::pident); at) {
    row.pident_text = without_spaces(cells[*at]);
    LOOM_TRY(row.pident, read_number<double>(row.pident_text, "pident"));
  }
  for (const Field field : kWhole) {
    const auto at = layout.place(field);
    if (!at) continue;
    const std::string_view text = without_spaces(cells[*at]);
    if (text == "N/A") continue;
    LOOM_TRY(row.whole[static_cast<std::size_t>(field)],
             read_number<std::int64_t>(text, layout.names()[*at]));
  }
  return ok();
}

Status Builder::row(const Layout& layout, std::span<const std::string_view> cells) {
  ReadRow row;
  LOOM_CHECKED(read_row(layout, cells, row));
  const std::string_view subject = cells[*layout.place(Field::subject)];
  if (query_.hsps == 0) {
    query_.name = cells[*layout.place(Field::query)];
    query_.length = row.get(Field::qlen);
    query_.steps.assign(
        static_cast<std::size_t>(std::clamp<std::int64_t>(query_.length.value_or(0), 0, kMostBins)), 0);
  }
  if (!in_hit_ || subject != subject_cell_) {
    LOOM_CHECKED(end_hit());
    subject_cell_ = subject;
    in_hit_ = true;
    ++hits_;
    hit_.ranges.clear();
    hit_.hsps = 0;
    hit_.first_hsp = hsps_ + 1;
    hit_.total = 0;
    LOOM_TRY(hit_.subject, subject_of(layout, cells, row));
    ++query_.hits;
  }
  ++hsps_;
  add_to_hit(row);
  add_to_query(row);
  histograms_.add(row.evalue, row.pident, row.get(Field::length).value_or(0));
  return write_hsp(layout, cells, row);
}

void Builder::add_to_hit(const ReadRow& row) {
  const std::int64_t length = row.get(Field::length).value_or(0);
  if (hit_.hsps == 0 || row.bits > hit_.bits) {
    hit_.bits = row.bits;
    hit_.bits_text = row.bits_text;
    hit_.pident = row.pident;
    hit_.pident_text = row.pident_text;
    hit_.score = row.get(Field::score).value_or(0);
  }
  if (hit_.hsps == 0 || row.evalue < hit_.evalue) {
    hit_.evalue = row.evalue;
    hit_.evalue_text = row.evalue_text;
  }
  hit_.max_pident = hit_.hsps == 0 ? row.pident : std::max(hit_.max_pident, row.pident);
  hit_.length = hit_.hsps == 0 ? length : std::max(hit_.length, length);
  hit_.total += row.bits;
  ++hit_.hsps;
  const auto start = row.get(Field::qstart);
  const auto end = row.get(Field::qend);
  if (!start || !end) return;
  hit_.ranges.emplace_back(*start, *end);
  add_depth(std::min(*start, *end), std::max(*start, *end));
}

void Builder::add_to_query(const ReadRow& row) {
  if (query_.hsps == 0 || row.evalue < query_.evalue) {
    query_.evalue = row.evalue;
    query_.evalue_text = row.evalue_text;
  }
  if (query_.hsps == 0 || row.bits > query_.bits) {
    query_.bits = row.bits;
    query_.bits_text = row.bits_text;
  }
  ++query_.hsps;
}

void Builder::add_depth(std::int64_t from, std::int64_t until) {
  const std::int64_t length = query_.length.value_or(0);
  const std::int64_t bins = std::ssize(query_.steps);
  if (bins == 0 || length == 0 || from < 1 || until > length) return;
  ++query_.steps[static_cast<std::size_t>((from - 1) * bins / length)];
  const std::int64_t after = (until - 1) * bins / length + 1;
  if (after < bins) --query_.steps[static_cast<std::size_t>(after)];
}

Result<std::uint32_t> Builder::subject_of(const Layout& layout, std::span<const std::string_view> cells,
                                          const ReadRow& row) {
  const auto cell = [&](Field field) {
    const auto at = layout.place(field);
    return at ? cells[*at] : std::string_view();
  };
  key_.clear();
  for (const Field field : {Field::subject, Field::slen, Field::taxids, Field::sciname, Field::title}) {
    key_ += cell(field);
    key_ += '\t';
  }
  const auto fresh = static_cast<std::uint32_t>(counts_.subjects + 1);
  if (const auto known = ids_.find_or_add(key_, fresh); known) return *known;
  ++counts_.subjects;
  to_.subject.integer(1, fresh);
  to_.subject.text(2, cell(Field::subject));
  to_.subject.text(3, cell(Field::title));
  to_.subject.text(4, cell(Field::taxids));
  // BLAST's word for no name is no name to look for.
  const std::string_view sciname = cell(Field::sciname);
  to_.subject.text(5, sciname == "N/A" ? std::string_view() : sciname);
  const auto length = row.get(Field::slen);
  length ? to_.subject.integer(6, *length) : to_.subject.null(6);
  LOOM_CHECKED(to_.subject.run());
  LOOM_CHECKED(add_taxids(fresh, cell(Field::taxids)));
  return fresh;
}

Status Builder::add_taxids(std::uint32_t subject, std::string_view taxids) {
  while (!taxids.empty()) {
    const std::size_t end = taxids.find(';');
    std::int64_t taxid = 0;
    const std::string_view one = without_spaces(taxids.substr(0, end));
    const bool number = std::from_chars(one.data(), one.data() + one.size(), taxid).ec == std::errc();
    if (number && taxid > 0) {
      to_.taxid.integer(1, taxid);
      to_.taxid.integer(2, subject);
      LOOM_CHECKED(to_.taxid.run());
    }
    taxids.remove_prefix(end == std::string_view::npos ? taxids.size() : end + 1);
  }
  return ok();
}

Status Builder::write_hsp(const Layout& layout, std::span<const std::string_view> cells, const ReadRow& row) {
  SqliteStatement& to = to_.hsp;
  const auto whole = [&to](int place, std::optional<std::int64_t> number) {
    number ? to.integer(place, *number) : to.null(place);
  };
  to.integer(1, hsps_);
  to.integer(2, hits_);
  to.integer(3, queries_);
  to.integer(4, hit_.subject);
  to.real(5, row.evalue);
  to.real(6, row.bits);
  to.real(7, row.pident);
  const std::int64_t length = row.get(Field::length).value_or(0);
  to.integer(8, length);
  const auto start = row.get(Field::qstart);
  const auto end = row.get(Field::qend);
  Ranges alone;
  if (start && end && query_.length) alone.emplace_back(*start, *end);
  const int coverage = alone.empty() ? 0 : coverage_percent(alone, *query_.length);
  to.integer(9, coverage);
  const std::array<double, kZoned.size()> sorted{row.evalue, row.bits, row.pident,
                                                 static_cast<double>(length), static_cast<double>(coverage)};
  LOOM_CHECKED(to_.hsp_columns.add(hit_.subject, sorted));
  for (std::size_t i = 1; i < kWholeOfHsp; ++i) whole(static_cast<int>(9 + i), row.get(kWhole[i]));
  to.text(22, row.evalue_text);
  to.text(23, row.bits_text);
  to.text(24, row.pident_text);
  others_.clear();
  for (const std::size_t at : layout.others()) {
    if (at != layout.others().front()) others_ += '\t';
    others_ += cells[at];
  }
  others_.empty() ? to.null(25) : to.text(25, others_);
  LOOM_CHECKED(to.run());
  const auto qseq = layout.place(Field::qseq);
  const auto sseq = layout.place(Field::sseq);
  if (!qseq || !sseq) return ok();
  if (cells[*qseq].size() != cells[*sseq].size())
    return error(Code::corrupt, "qseq has {} letters and sseq has {}", cells[*qseq].size(),
                 cells[*sseq].size());
  to_.alignment.integer(1, hsps_);
  to_.alignment.text(2, cells[*qseq]);
  to_.alignment.text(3, cells[*sseq]);
  return to_.alignment.run();
}

Status Builder::end_hit() {
  if (!in_hit_) return ok();
  in_hit_ = false;
  ++counts_.hits;
  SqliteStatement& to = to_.hit;
  to.integer(1, hits_);
  to.integer(2, queries_);
  to.integer(3, hit_.subject);
  to.integer(4, hit_.first_hsp);
  to.integer(5, hit_.hsps);
  to.real(6, hit_.evalue);
  to.real(7, hit_.bits);
  to.real(8, hit_.pident);
  to.integer(9, hit_.length);
  const bool covers = query_.length && !hit_.ranges.empty();
  const int coverage = covers ? coverage_percent(hit_.ranges, *query_.length) : 0;
  to.integer(10, coverage);
  const std::array<double, kZoned.size()> sorted{
      hit_.evalue, hit_.bits, hit_.pident, static_cast<double>(hit_.length), static_cast<double>(coverage)};
  LOOM_CHECKED(to_.hit_columns.add(hit_.subject, sorted));
  to.real(11, hit_.total);
  to.real(12, hit_.max_pident);
  to.integer(13, hit_.score);
  to.text(14, hit_.evalue_text);
  to.text(15, hit_.bits_text);
  to.text(16, hit_.pident_text);
  const std::string total = hit_.hsps == 1 ? hit_.bits_text : bits_text(hit_.total);
  to.text(17, total);
  return to.run();
}

Status Builder::end_query() {
  LOOM_CHECKED(end_hit());
  if (queries_ == 0) return ok();
  ++counts_.queries;
  if (query_.hsps > 0) ++counts_.queries_with_hits;
  SqliteStatement& to = to_.query;
  const bool found = query_.hsps > 0;
  to.integer(1, queries_);
  to.text(2, query_.name);
  to.text(3, query_.title);
  to.integer(4, query_.iteration);
  query_.length ? to.integer(5, *query_.length) : to.null(5);
  to.integer(6, query_.hits);
  to.integer(7, query_.hsps);
  to.integer(8, hits_ - query_.hits + 1);
  to.integer(9, hsps_ - query_.hsps + 1);
  to.real(10, found ? query_.evalue : kNoEvalue);
  to.real(11, query_.bits);
  to.text(12, query_.evalue_text);
  to.text(13, query_.bits_text);
  LOOM_CHECKED(to.run());
  if (query_.steps.empty()) return ok();
  std::vector<std::uint32_t> bins;
  std::int64_t depth = 0;
  for (const std::int64_t step : query_.steps) bins.push_back(static_cast<std::uint32_t>(depth += step));
  to_.depth.integer(1, queries_);
  to_.depth.text(2, {reinterpret_cast<const char*>(bins.data()), bins.size() * sizeof(bins[0])});
  return to_.depth.run();
}

Status Builder::write_meta(std::string_view name, std::string_view value) {
  to_.meta.text(1, name);
  to_.meta.text(2, value);
  return to_.meta.run();
}

/// Where nothing but its name tells a query, it comes once.
Status Builder::check_together() {
  LOOM_TRY(SqliteStatement twice,
           file_.prepare("SELECT name, max(first_hsp) FROM query GROUP BY name HAVING count(*) > 1 LIMIT 1"));
  LOOM_TRY(const SqliteStatement::Step step, twice.step());
  if (step == SqliteStatement::Step::done) return ok();
  return error(
      Code::corrupt,
      "row {}: the rows of query {} are not together; sort them (sort -s -k1,1), or take -outfmt 7 if two "
      "queries have this name",
      twice.integer_at(1), twice.text_at(0).substr(0, 80));
}

Result<IndexCounts> Builder::finish(const TabularReader& reader) {
  LOOM_CHECKED(end_query());
  if (!reader.told_queries()) LOOM_CHECKED(check_together());
  LOOM_CHECKED(to_.hit_columns.finish());
  LOOM_CHECKED(to_.hsp_columns.finish());
  const std::optional<Layout>& layout = reader.layout();
  counts_.hsps = static_cast<std::uint64_t>(hsps_);
  std::string columns;
  std::string others;
  if (layout) {
    for (const std::string& name : layout->names()) columns += (columns.empty() ? "" : " ") + name;
    for (const std::size_t at : layout->others()) others += (others.empty() ? "" : " ") + layout->names()[at];
  }
  LOOM_CHECKED(write_meta("version", fmt::to_string(kIndexVersion)));
  LOOM_CHECKED(write_meta("columns", columns));
  LOOM_CHECKED(write_meta("others", others));
  LOOM_CHECKED(write_meta("queries", fmt::to_string(counts_.queries)));
  LOOM_CHECKED(write_meta("queries_with_hits", fmt::to_string(counts_.queries_with_hits)));
  LOOM_CHECKED(write_meta("subjects", fmt::to_string(counts_.subjects)));
  LOOM_CHECKED(write_meta("hits", fmt::to_string(counts_.hits)));
  LOOM_CHECKED(write_meta("hsps", fmt::to_string(counts_.hsps)));
  LOOM_CHECKED(write_meta("histograms", histograms_.json()));
  LOOM_CHECKED(file_.script(kIndexes));
  return counts_;
}

Status give_name(const fs::path& part, const fs::path& target) {
  if (::rename(part.c_str(), target.c_str()) != 0) return system_error(errno, "keep the hit index");
  return ok();
}

Result<IndexCounts> fill(const fs::path& part, std::optional<Layout> layout, const ReadBytes& read,
                         const std::stop_token& stop) {
  LOOM_TRY(const auto builder, Builder::create(part));
  TabularReader reader(*builder, std::move(layout));
  std::vector<char> block(kBlock);
  for (;;) {
    if (stop.stop_requested()) return error(Code::cancelled, "making the hit index was stopped");
    LOOM_TRY(const std::size_t got, read(block));
    if (got == 0) break;
    LOOM_CHECKED(reader.push({block.data(), got}));
  }
  LOOM_CHECKED(reader.finish());
  return builder->finish(reader);
}

}  // namespace

Result<ReadBytes> file_bytes(const fs::path& path) {
  auto file = std::make_shared<Fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!*file) return system_error(errno, "open " + path.string());
  return ReadBytes([file, path](std::span<char> into) -> Result<std::size_t> {
    const ssize_t got = ::read(file->get(), into.data(), into.size());
    if (got < 0) return system_error(errno, "read " + path.string());
    return static_cast<std::size_t>(got);
  });
}

int coverage_percent(Ranges& ranges, std::int64_t length) {
  if (length <= 0) return 0;
  for (auto& [from, until] : ranges)
    if (from > until) std::swap(from, until);
  std::ranges::sort(ranges);
  std::int64_t covered = 0;
  std::int64_t end = 0;
  for (const auto& [from, until] : ranges) {
    covered += std::max<std::int64_t>(0, until - std::max(from - 1, end));
    end = std::max(end, until);
  }
  const double percent = 100.0 * static_cast<double>(covered) / static_cast<double>(length);
  return static_cast<int>(percent < 99 ? std::floor(percent + 0.5) : percent);
}

std::string bits_text(double bits) {
  if (bits > 99'999) return fmt::format("{:.3e}", bits);
  if (bits > 99.9) return fmt::to_string(static_cast<std::int64_t>(bits + 1e-9));
  return fmt::format("{:.1f}", bits);
}

Result<IndexCounts> build_index(const fs::path& target, std::optional<Layout> layout, const ReadBytes& read,
                                const std::stop_token& stop) {
  const fs::path part = target.string() + ".part";
  auto counts = fill(part, std::move(layout), read, stop);
  Status kept = counts ? give_name(part, target) : Status(counts.error());
  if (kept) return counts;
  std::error_code ignored;
  fs::remove(part, ignored);
  return std::move(kept.error());
}

}  // namespace loom::results
