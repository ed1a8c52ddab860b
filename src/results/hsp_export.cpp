#include "results/hsp_export.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/json_writer.hpp"
#include "base/number.hpp"
#include "blast/outfmt.hpp"

namespace loom::results {
namespace {

constexpr std::array<std::string_view, 6> kFormats{"tsv", "csv", "jsonl", "gff3", "bed", "sam"};

enum Source : int {
  kQuery,
  kSubject,
  kPident,
  kLength,
  kMismatch,
  kGapopen,
  kQstart,
  kQend,
  kSstart,
  kSend,
  kEvalue,
  kBitscore,
  kQlen,
  kSlen,
  kScore,
  kNident,
  kPositive,
  kGaps,
  kQframe,
  kSframe,
  kTaxids,
  kSciname,
  kQseq,
  kSseq,
  kTitle,
  kQtitle,
  kCoverage,
  kPpos,
  kFrames,
  kOthers  ///< and on: the cells that are kept as they are
};
struct Known {
  std::string_view name;
  Source source;
};
constexpr std::array kKnown{
    Known{"qaccver", kQuery},     Known{"qseqid", kQuery},     Known{"qacc", kQuery},
    Known{"saccver", kSubject},   Known{"sseqid", kSubject},   Known{"sacc", kSubject},
    Known{"pident", kPident},     Known{"length", kLength},    Known{"mismatch", kMismatch},
    Known{"gapopen", kGapopen},   Known{"qstart", kQstart},    Known{"qend", kQend},
    Known{"sstart", kSstart},     Known{"send", kSend},        Known{"evalue", kEvalue},
    Known{"bitscore", kBitscore}, Known{"qlen", kQlen},        Known{"slen", kSlen},
    Known{"score", kScore},       Known{"nident", kNident},    Known{"positive", kPositive},
    Known{"gaps", kGaps},         Known{"qframe", kQframe},    Known{"sframe", kSframe},
    Known{"staxids", kTaxids},    Known{"staxid", kTaxids},    Known{"sscinames", kSciname},
    Known{"ssciname", kSciname},  Known{"qseq", kQseq},        Known{"sseq", kSseq},
    Known{"stitle", kTitle},      Known{"salltitles", kTitle}, Known{"qtitle", kQtitle},
    Known{"coverage", kCoverage}, Known{"ppos", kPpos},        Known{"frames", kFrames},
};

bool is_number(int source) {
  return source >= kPident && source <= kSframe;
}

bool reads_as_number(std::string_view text) {
  const auto number = number_of<double>(text);
  return number && *number - *number == 0;
}

std::string text_of(std::optional<std::int64_t> number) {
  return number ? fmt::to_string(*number) : "N/A";
}

/// As BLAST+ computes it, division first, for the last digit.
std::string ppos_of(const Hsp& hsp) {
  if (!hsp.positive || hsp.length == 0) return "N/A";
  return fmt::format("{:.2f}", static_cast<double>(*hsp.positive) / static_cast<double>(hsp.length) * 100);
}

/// Only the very column: names of one thing differ by version, prefix or how many there are.
bool is_held(const HitIndex& index, const Known& column) {
  if (column.source == kQtitle) return true;
  if (column.source == kCoverage) return index.covers();
  if (column.source == kPpos) return index.holds(Field::positive) && index.holds(Field::length);
  if (column.source == kFrames) return index.holds(Field::qframe) && index.holds(Field::sframe);
  return std::ranges::find(index.columns(), column.name) != index.columns().end();
}

/// What `std` gives for its column `name`: the query and the subject are named as the result names them.
std::string standard_in(const HitIndex& index, std::string_view name) {
  for (const Field field : {Field::query, Field::subject}) {
    const auto columns = columns_of(field);
    if (columns.front() != name) continue;
    for (const std::string_view one : columns)
      if (std::ranges::find(index.columns(), one) != index.columns().end()) return std::string(one);
  }
  return std::string(name);
}

Error no_column(const HitIndex& index, const std::string& name) {
  const auto known = blast::tabular_columns();
  const bool searched = std::ranges::find(known, name) != known.end();
  return error(Code::invalid_argument, "columns: '{}' is not in this result; it has {} and qtitle{}{}",
               name.substr(0, 40), fmt::join(index.columns(), ", "), index.covers() ? ", coverage" : "",
               searched ? fmt::format("; a search with -outfmt '6 std {}' prints it", name) : "");
}

/// Errors: invalid_argument when the result lacks a column without which the format has no rows.
Status check_needed(const HitIndex& index, ExportFormat format) {
  // The last four are the places of a feature.
  constexpr std::array kNeeded{Field::slen, Field::qseq,   Field::sseq, Field::qstart,
                               Field::qend, Field::sstart, Field::send};
  if (format <= ExportFormat::jsonl) return ok();
  for (const Field field : std::span(kNeeded).subspan(format == ExportFormat::sam ? 0 : 3))
    if (!index.holds(field))
      return error(Code::invalid_argument, "format: {} needs the column {}, which this result lacks",
                   kFormats[static_cast<std::size_t>(format)], columns_of(field).front());
  return ok();
}

}  // namespace

Result<ExportFormat> parse_export_format(std::string_view text) {
  for (std::size_t i = 0; i < kFormats.size(); ++i)
    if (text == kFormats[i]) return static_cast<ExportFormat>(i);
  return error(Code::invalid_argument, "format: '{}' is none; use {}", text.substr(0, 40),
               fmt::join(kFormats, ", "));
}

Result<std::unique_ptr<HspExport>> HspExport::make(std::shared_ptr<HitIndex> index, ExportRequest request) {
  const ExportFormat format = request.format;
  const std::string& program = request.style.program;
  if (format == ExportFormat::sam && !program.empty() && program != "blastn")
    return error(Code::invalid_argument, "format: sam is for blastn; of {} take gff3 or bed", program);
  LOOM_CHECKED(check_needed(*index, format));
  std::vector<Column> columns;
  if (format <= ExportFormat::jsonl) LOOM_CHECKED(choose_columns(*index, request.columns, columns));
  request.rows.rows.alignments =
      format == ExportFormat::sam || std::ranges::any_of(columns, [](const Column& column) {
        return column.source == kQseq || column.source == kSseq;
      });
  LOOM_TRY(HspRows rows, HspRows::make(std::move(index), request.rows));
  std::unique_ptr<HspExport> made(new HspExport(std::move(rows), std::move(request)));
  made->columns_ = std::move(columns);
  return made;
}

Status HspExport::choose_columns(const HitIndex& index, const std::string& asked, std::vector<Column>& into) {
  std::string wanted = asked.empty() ? "std" : asked;
  std::ranges::replace(wanted, ',', ' ');
  std::vector<std::string> names;
  for (std::size_t at = 0; at < wanted.size();) {
    const std::size_t end = std::min(wanted.find(' ', at), wanted.size());
    const std::string name = wanted.substr(at, end - at);
    at = end + 1;
    if (name == "std") {
      for (const std::string_view one : blast::standard_columns()) names.push_back(standard_in(index, one));
    } else if (!name.empty()) {
      names.push_back(name);
    }
  }
  for (const std::string& name : names) {
    Column column{.name = name};
    const auto* known = std::ranges::find(kKnown, name, &Known::name);
    const auto other = std::ranges::find(index.others(), name);
    if (other != index.others().end()) {
      column.source = kOthers + static_cast<int>(other - index.others().begin());
    } else if (known != kKnown.end() && is_held(index, *known)) {
      column.source = known->source;
    } else {
      return no_column(index, name);
    }
    column.number = is_number(column.source) || column.source == kCoverage || column.source == kPpos;
    into.push_back(std::move(column));
  }
  return ok();
}

Result<std::string> HspExport::next(Deadline deadline) {
  std::string out;
  if (stage_ != Stage::rows) LOOM_CHECKED(write_header(out, deadline));
  while (out.empty() && stage_ == Stage::rows) {
    LOOM_TRY(const std::vector<HspRow> rows, rows_.next(deadline));
    if (rows.empty()) break;
    for (const HspRow& row : rows) LOOM_CHECKED(write_row(row, out));
  }
  return out;
}

/// What stands before the rows, or of SAM a piece of that.
Status HspExport::write_header(std::string& out, Deadline deadline) {
  if (request_.format != ExportFormat::sam) {
    stage_ = Stage::rows;
    if (request_.format == ExportFormat::gff3) out += "##gff-version 3\n";
    if (request_.format > ExportFormat::csv) return ok();
    const bool csv = request_.format == ExportFormat::csv;
    if (!request_.header.value_or(csv)) return ok();
    for (const Column& column : columns_) {
      if (&column != columns_.data()) out += csv ? ',' : '\t';
      out += column.name;
    }
    out += csv ? "\r\n" : "\n";
    return ok();
  }
  if (stage_ == Stage::begin) out += SamRows::first_line();
  stage_ = Stage::subjects;
  while (out.empty()) {
    LOOM_TRY(const std::vector<HspRow> rows, rows_.next(deadline));
    for (const HspRow& row : rows) LOOM_CHECKED(sam_.write_subject(row, out));
    if (!rows.empty()) continue;
    out += SamRows::last_line(request_.style);
    rows_.rewind();
    stage_ = Stage::rows;
  }
  return ok();
}

std::string HspExport::cell(const HspRow& row, const Column& column) const {
  const Hsp& hsp = row.hsp;
  switch (column.source) {
    case kQuery:
      return row.query.name;
    case kSubject:
      return row.subject.name;
    case kPident:
      return hsp.pident;
    case kLength:
      return fmt::to_string(hsp.length);
    case kMismatch:
      return text_of(hsp.mismatch);
    case kGapopen:
      return text_of(hsp.gapopen);
    case kQstart:
      return text_of(hsp.qstart);
    case kQend:
      return text_of(hsp.qend);
    case kSstart:
      return text_of(hsp.sstart);
    case kSend:
      return text_of(hsp.send);
    case kEvalue:
      return hsp.evalue;
    case kBitscore:
      return hsp.bitscore;
    case kQlen:
      return text_of(row.query.length);
    case kSlen:
      return text_of(row.subject.length);
    case kScore:
      return text_of(hsp.score);
    case kNident:
      return text_of(hsp.nident);
    case kPositive:
      return text_of(hsp.positive);
    case kGaps:
      return text_of(hsp.gaps);
    case kQframe:
      return text_of(hsp.qframe);
    case kSframe:
      return text_of(hsp.sframe);
    case kTaxids:
      return row.subject.taxids;
    case kSciname:
      return row.subject.sciname.empty() ? "N/A" : row.subject.sciname;  // as BLAST+ prints it
    case kQseq:
      return hsp.qseq;
    case kSseq:
      return hsp.sseq;
    case kTitle:
      return row.subject.title;
    case kQtitle:
      return row.query.title;
    case kCoverage:
      return text_of(hsp.coverage);
    case kPpos:
      return ppos_of(hsp);
    case kFrames:
      return fmt::format("{}/{}", text_of(hsp.qframe), text_of(hsp.sframe));
    default:
      break;
  }
  std::string_view others = hsp.others;
  for (int skip = column.source - kOthers; skip > 0; --skip)
    others.remove_prefix(std::min(others.find('\t'), others.size() - 1) + 1);
  return std::string(others.substr(0, others.find('\t')));
}

Status HspExport::write_row(const HspRow& row, std::string& out) {
  switch (request_.format) {
    case ExportFormat::gff3:
      write_gff3(row, request_.style, out);
      return ok();
    case ExportFormat::bed:
      write_bed(row, request_.style, out);
      return ok();
    case ExportFormat::sam:
      return sam_.write(row, out);
    default:
      write_cells(row, out);
      return ok();
  }
}

void HspExport::write_cells(const HspRow& row, std::string& out) const {
  if (request_.format == ExportFormat::jsonl) {
    JsonWriter json(out);
    json.open_object();
    for (const Column& column : columns_) {
      const std::string text = cell(row, column);
      json.key(column.name);
      column.number&& reads_as_number(text) ? json.raw(text) : json.value(text);
    }
    json.close_object();
    out += '\n';
    return;
  }
  const bool csv = request_.format == ExportFormat::csv;
  for (const Column& column : columns_) {
    if (&column != columns_.data()) out += csv ? ',' : '\t';
    std::string text = cell(row, column);
    if (!csv) std::ranges::replace(text, '\t', ' ');
    out += csv ? csv_cell(text) : text;
  }
  out += csv ? "\r\n" : "\n";
}

std::string csv_cell(std::string_view text) {
  // A spreadsheet runs what begins so: https://owasp.org/www-community/attacks/CSV_Injection
  const bool formula = !text.empty() &&
                       std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos &&
                       !reads_as_number(text);
  std::string cell = formula ? "'" : "";
  cell += text;
  if (cell.find_first_of("\",\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace loom::results
