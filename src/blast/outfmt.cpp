#include "blast/outfmt.hpp"

#include <algorithm>

#include "base/number.hpp"
#include "base/text.hpp"

namespace loom::blast {
namespace {
constexpr std::string_view kColumns[] = {
    "qseqid",    "qgi",       "qacc",        "qaccver",    "qlen",     "sseqid",     "sallseqid", "sgi",
    "sallgi",    "sacc",      "saccver",     "sallacc",    "slen",     "qstart",     "qend",      "sstart",
    "send",      "qseq",      "sseq",        "evalue",     "bitscore", "score",      "length",    "pident",
    "nident",    "mismatch",  "positive",    "gapopen",    "gaps",     "ppos",       "frames",    "qframe",
    "sframe",    "btop",      "staxid",      "ssciname",   "scomname", "sblastname", "sskingdom", "staxids",
    "sscinames", "scomnames", "sblastnames", "sskingdoms", "stitle",   "salltitles", "sstrand",   "qcovs",
    "qcovhsp",   "qcovus"};
constexpr std::string_view kStandard[] = {"qaccver", "saccver", "pident", "length", "mismatch", "gapopen",
                                          "qstart",  "qend",    "sstart", "send",   "evalue",   "bitscore"};
constexpr int kSam = 17;
constexpr int kLast = 18;

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) found.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

Result<int> parse_number(Program program, std::string_view text) {
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  const auto number = number_of<int>(digits);
  if (!number)
    return error(
        Code::invalid_argument,
        "-outfmt: '{}' is not a format number; give 0-{}, and columns behind a space: \"6 std qlen\"", text,
        kLast);
  if (*number < 0 || *number > kLast)
    return error(Code::invalid_argument, "-outfmt: there is no format {}; give 0-{}", *number, kLast);
  if (*number == kSam && program != Program::blastn)
    return error(Code::invalid_argument, "-outfmt: format 17 (SAM) is for blastn only, not for {}",
                 name(program));
  return *number;
}

/// Takes a leading "delim=X" out of `spec`, as BLAST+ does: every copy of it. Returns X.
Result<std::string> take_delimiter(std::string& spec) {
  if (!spec.starts_with("delim")) return std::string();
  const std::string word = spec.substr(0, spec.find(' '));
  const auto equals = word.find('=');
  if (equals == std::string::npos)
    return error(Code::invalid_argument, "-outfmt: '{}' needs a value: delim=X, the columns behind it", word);
  for (auto at = spec.find(word); at != std::string::npos; at = spec.find(word, at))
    spec.erase(at, word.size());
  return word.substr(equals + 1);
}

void add_column(OutFormat& format, std::string_view column) {
  if (std::ranges::find(format.columns, column) == format.columns.end()) format.columns.push_back(column);
}

void apply_word(OutFormat& format, std::string_view word) {
  const bool take_out = word.starts_with('-');
  const auto column = std::ranges::find(kColumns, take_out ? word.substr(1) : word);
  if (word == "std") {
    for (const auto standard : kStandard) add_column(format, standard);
  } else if (column == std::end(kColumns)) {
    format.ignored.emplace_back(word);
  } else if (take_out) {
    std::erase(format.columns, *column);
  } else {
    add_column(format, *column);
  }
}
}  // namespace

Result<OutFormat> parse_outfmt(Program program, std::string_view text) {
  text = trimmed(text, " \t\n\v\f\r");
  const auto space = std::min(text.find(' '), text.size());
  std::string spec(text.substr(std::min(space + 1, text.size())));

  OutFormat format;
  LOOM_TRY(format.delimiter, take_delimiter(spec));  // even for formats that have no columns
  LOOM_TRY(format.number, parse_number(program, text.substr(0, space)));
  if (format.number == kSam) {
    format.sam_sequences = spec.find("SQ") != std::string::npos;
    format.sam_subject_is_reference = spec.find("SR") != std::string::npos;
  }
  if (!format.tabular()) {
    format.delimiter.clear();
    return format;
  }
  for (const auto word : words(spec)) apply_word(format, word);
  if (format.columns.empty()) format.columns.assign(std::begin(kStandard), std::end(kStandard));
  if (format.delimiter.empty()) format.delimiter = format.number == 10 ? "," : "\t";
  return format;
}

std::span<const std::string_view> tabular_columns() {
  return kColumns;
}
std::span<const std::string_view> standard_columns() {
  return kStandard;
}

}  // namespace loom::blast
