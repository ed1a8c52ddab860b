#include "results/tabular.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/lines.hpp"

namespace loom::results {
namespace {

constexpr std::size_t kLongestLine = std::size_t{256} << 20U;

struct Meaning {
  Field field;
  std::array<std::string_view, 3> names;  ///< the better ones first
};
constexpr std::array kMeanings{
    Meaning{Field::query, {"qaccver", "qseqid", "qacc"}},
    Meaning{Field::subject, {"saccver", "sseqid", "sacc"}},
    Meaning{Field::pident, {"pident"}},
    Meaning{Field::length, {"length"}},
    Meaning{Field::mismatch, {"mismatch"}},
    Meaning{Field::gapopen, {"gapopen"}},
    Meaning{Field::qstart, {"qstart"}},
    Meaning{Field::qend, {"qend"}},
    Meaning{Field::sstart, {"sstart"}},
    Meaning{Field::send, {"send"}},
    Meaning{Field::evalue, {"evalue"}},
    Meaning{Field::bitscore, {"bitscore"}},
    Meaning{Field::qlen, {"qlen"}},
    Meaning{Field::slen, {"slen"}},
    Meaning{Field::score, {"score"}},
    Meaning{Field::nident, {"nident"}},
    Meaning{Field::positive, {"positive"}},
    Meaning{Field::gaps, {"gaps"}},
    Meaning{Field::qframe, {"qframe"}},
    Meaning{Field::sframe, {"sframe"}},
    Meaning{Field::taxids, {"staxids", "staxid"}},
    Meaning{Field::sciname, {"sscinames", "ssciname"}},
    Meaning{Field::qseq, {"qseq"}},
    Meaning{Field::sseq, {"sseq"}},
    Meaning{Field::title, {"stitle", "salltitles"}},
};
static_assert(kMeanings.size() == kFields);

// As "# Fields:" prints them. Where two columns share a label, the plural comes first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 52> kLabels{{
    {"query id", "qseqid"},
    {"query gi", "qgi"},
    {"query acc.", "qacc"},
    {"query acc.ver", "qaccver"},
    {"query length", "qlen"},
    {"subject id", "sseqid"},
    {"subject ids", "sallseqid"},
    {"subject gi", "sgi"},
    {"subject gis", "sallgi"},
    {"subject acc.", "sacc"},
    {"subject acc.ver", "saccver"},
    {"subject accs.", "sallacc"},
    {"subject length", "slen"},
    {"q. start", "qstart"},
    {"q. end", "qend"},
    {"s. start", "sstart"},
    {"s. end", "send"},
    {"query seq", "qseq"},
    {"subject seq", "sseq"},
    {"evalue", "evalue"},
    {"bit score", "bitscore"},
    {"score", "score"},
    {"alignment length", "length"},
    {"% identity", "pident"},
    {"identical", "nident"},
    {"mismatches", "mismatch"},
    {"positives", "positive"},
    {"gap opens", "gapopen"},
    {"gaps", "gaps"},
    {"% positives", "ppos"},
    {"query/sbjct frames", "frames"},
    {"query frame", "qframe"},
    {"sbjct frame", "sframe"},
    {"BTOP", "btop"},
    {"subject tax id", "staxid"},
    {"subject tax ids", "staxids"},
    {"subject sci names", "sscinames"},
    {"subject sci name", "ssciname"},
    {"subject com names", "scomnames"},
    {"subject com name", "scomname"},
    {"subject blast name", "sblastname"},
    {"subject blast names", "sblastnames"},
    {"subject super kingdom", "sskingdom"},
    {"subject super kingdoms", "sskingdoms"},
    {"subject title", "stitle"},
    {"subject titles", "salltitles"},
    {"subject strand", "sstrand"},
    {"% query coverage per subject", "qcovs"},
    {"% query coverage per hsp", "qcovhsp"},
    {"% query coverage per uniq subject", "qcovus"},
    {"% subject coverage per subject", "scovs"},
    {"% subject coverage per hsp", "scovhsp"},
}};

std::string_view without_margins(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// "BLASTP 2.12.0+": the plus is BLAST+'s. Others' tables, and those of BLAST before it, have no end.
bool is_engine(std::string_view comment) {
  const std::size_t space = comment.find(' ');
  return space != std::string_view::npos &&
         comment.substr(0, space).find("BLAST") != std::string_view::npos &&
         comment.find_first_not_of("0123456789.+", space + 1) == std::string_view::npos &&
         comment.ends_with('+');
}

}  // namespace

std::span<const std::string_view> columns_of(Field field) {
  const auto& names = kMeanings[static_cast<std::size_t>(field)].names;
  return {names.begin(), std::ranges::find(names, std::string_view())};
}

Result<Layout> Layout::of_names(std::vector<std::string> names, std::string delimiter) {
  Layout layout;
  layout.names_ = std::move(names);
  layout.delimiter_ = std::move(delimiter);
  std::vector<bool> used(layout.names_.size(), false);
  for (const Meaning& meaning : kMeanings) {
    for (const std::string_view name : columns_of(meaning.field)) {
      const auto found = std::ranges::find(layout.names_, name);
      if (found == layout.names_.end()) continue;
      const auto at = static_cast<std::size_t>(found - layout.names_.begin());
      layout.places_[static_cast<std::size_t>(meaning.field)] = at;
      used[at] = true;
      break;
    }
  }
  for (const Field needed : {Field::query, Field::subject, Field::evalue, Field::bitscore}) {
    if (layout.place(needed)) continue;
    return error(Code::invalid_argument,
                 "tabular output without the column {} cannot be indexed; ask for at least 'std'",
                 columns_of(needed).front());
  }
  for (std::size_t i = 0; i < used.size(); ++i)
    if (!used[i]) layout.others_.push_back(i);
  return layout;
}

Result<Layout> Layout::of(const blast::OutFormat& format) {
  if (!format.tabular())
    return error(Code::invalid_argument, "outfmt {} is not tabular; use 6, 7 or 10", format.number);
  return of_names({format.columns.begin(), format.columns.end()}, format.delimiter);
}

Result<Layout> Layout::of_labels(std::string_view labels) {
  std::vector<std::string> names;
  while (!labels.empty()) {
    const std::size_t comma = labels.find(", ");
    const std::string_view label = without_margins(labels.substr(0, comma));
    const auto* known = std::ranges::find(kLabels, label, [](const auto& one) { return one.first; });
    if (known == kLabels.end())
      return error(Code::invalid_argument, "'{}' is no column that BLAST+ knows", label.substr(0, 60));
    names.emplace_back(known->second);
    labels.remove_prefix(comma == std::string_view::npos ? labels.size() : comma + 2);
  }
  return of_names(std::move(names), "\t");
}

std::string index_outfmt(const blast::OutFormat& own) {
  const auto whole = blast::parse_outfmt(blast::Program::blastp, kIndexOutfmt);
  std::string format(kIndexOutfmt);
  for (const std::string_view name : own.columns)
    if (name != "salltitles" && std::ranges::find(whole->columns, name) == whole->columns.end())
      format.insert(format.rfind(' '), fmt::format(" {}", name));
  return format;
}

bool is_complete(const blast::OutFormat& format) {
  if (format.number != 7 || format.delimiter != "\t") return false;
  const auto layout = Layout::of(format);
  if (!layout) return false;
  for (std::size_t i = 0; i < kFields; ++i) {
    const auto field = static_cast<Field>(i);
    if (field != Field::qseq && field != Field::sseq && !layout->place(field)) return false;
  }
  return layout->place(Field::title) == layout->names().size() - 1;
}

TabularReader::TabularReader(TabularEvents& events, std::optional<Layout> layout)
    : events_(events), layout_(std::move(layout)), given_(layout_.has_value()) {}

Status TabularReader::push(std::string_view bytes) {
  LOOM_CHECKED(take_lines(held_, bytes, [this](std::string_view one) { return line(one); }));
  if (held_.size() > kLongestLine)
    return error(Code::too_large, "line {}: longer than {} bytes", lines_ + 1, kLongestLine);
  return ok();
}

Status TabularReader::finish() {
  if (!held_.empty()) {
    const std::string last = std::exchange(held_, {});
    LOOM_CHECKED(line(last));
  }
  if (!end_due_) return ok();
  return error(Code::corrupt,
               "line {}: the table is cut short, for BLAST+ ends it with '# BLAST processed'; copy it again, "
               "whole, or take away its comments to read the rows that are there",
               lines_);
}

Status TabularReader::line(std::string_view text) {
  ++lines_;
  if (lines_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the mark of UTF-8
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  // PSI-BLAST says so between rows, in every format.
  if (text.empty() || text == "Search has CONVERGED!") return ok();
  if (text.starts_with("# ")) return comment(text.substr(2));
  if (!layout_) {
    LOOM_TRY(const blast::OutFormat standard, blast::parse_outfmt(blast::Program::blastp, "6"));
    LOOM_TRY(layout_, Layout::of(standard));
  }
  LOOM_CHECKED(split(text));
  const std::string_view query = cells_[*layout_->place(Field::query)];
  if (!comments_ && (!begun_ || query != query_)) {
    query_ = query;
    LOOM_CHECKED(events_.begin_query(query, 1));
  }
  if (comments_ && rows_ > 0 && query != query_)
    return error(Code::corrupt, "line {}: a row of {} stands among those of {}; sort no output with comments",
                 lines_, query.substr(0, 80), query_.substr(0, 80));
  if (comments_ && rows_++ == 0) query_ = query;
  begun_ = true;
  Status taken = events_.row(*layout_, cells_);
  if (!taken) return std::move(taken.error()).at(fmt::format("line {}", lines_));
  return ok();
}

Status TabularReader::comment(std::string_view text) {
  constexpr std::string_view kIteration = "Iteration: ";
  constexpr std::string_view kQuery = "Query:";
  constexpr std::string_view kFieldsAre = "Fields: ";
  constexpr std::string_view kEnd = "BLAST processed ";
  if (text.starts_with(kIteration)) {
    const std::string_view number = without_margins(text.substr(kIteration.size()));
    std::from_chars(number.data(), number.data() + number.size(), iteration_);
  } else if (text.starts_with(kQuery)) {
    if (begun_ && !comments_)
      return error(Code::corrupt, "line {}: rows stand before the first '# Query:'", lines_);
    comments_ = begun_ = true;
    rows_ = 0;
    LOOM_CHECKED(events_.begin_query(without_margins(text.substr(kQuery.size())), iteration_));
    iteration_ = 1;
  } else if (text.starts_with(kFieldsAre) && !given_) {
    auto layout = Layout::of_labels(text.substr(kFieldsAre.size()));
    if (!layout) return std::move(layout.error()).at(fmt::format("line {}", lines_));
    layout_ = *std::move(layout);
  } else if (text.starts_with(kEnd)) {
    end_due_ = false;
  } else if (is_engine(text)) {
    end_due_ = true;
  }
  return ok();
}

Status TabularReader::split(std::string_view text) {
  cells_.clear();
  const std::string& delimiter = layout_->delimiter();
  const std::size_t due = layout_->names().size();
  const bool title_last = layout_->place(Field::title) == due - 1;
  std::string_view rest = text;
  for (;;) {
    const bool last = title_last && cells_.size() + 1 == due;  // the title takes what is left
    const std::size_t end = last ? std::string_view::npos : rest.find(delimiter);
    cells_.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + delimiter.size());
  }
  if (cells_.size() == due) return ok();
  if (cells_.size() == 1)
    return error(Code::corrupt,
                 "line {}: this is no row of tabular output; read are -outfmt 6, 7, 5 (XML) and, if named so "
                 "(-outfmt 10), 10; 'blastloom import' also reads archives (11)",
                 lines_);
  return error(Code::corrupt,
               "line {}: a row of {} columns where {} are due; name the columns as the search did (-outfmt)",
               lines_, cells_.size(), due);
}

}  // namespace loom::results
