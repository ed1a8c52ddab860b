#include "search/repeats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "render/line_reader.hpp"
#include "render/part_text.hpp"
#include "sequence/fasta_reader.hpp"
#include "sequence/fingerprint.hpp"

namespace loom::search {

namespace {

bool names_query(std::string_view column) {
  return column == "qseqid" || column == "qacc" || column == "qaccver";
}

std::size_t name_columns(const blast::OutFormat& format) {
  return static_cast<std::size_t>(std::ranges::count_if(format.columns, names_query));
}

/// Names that BLAST+ prints as they are.
bool plain_name(std::string_view id) {
  return !id.empty() && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_.:/#-=+|").find(c) != std::string_view::npos;
  });
}

/// The title behind '>', if BLAST+ prints it as it is, but for blanks at its end, which it drops: printable.
std::optional<std::string_view> plain_title(std::string_view raw) {
  if (!raw.starts_with('>')) return std::nullopt;
  std::string_view title = raw.substr(1, raw.find('\n') - 1);
  if (title.ends_with('\r')) title.remove_suffix(1);
  while (title.ends_with(' ')) title.remove_suffix(1);
  const bool odd = std::ranges::any_of(title, [](char c) { return c < ' ' || c > '~'; });
  return odd || title.starts_with(' ') ? std::nullopt : std::optional(title);
}

/// The number in "r17", at the front of `text`, if what follows is no digit.
std::optional<std::uint64_t> distinct_number(std::string_view text) {
  if (!text.starts_with('r')) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (failed != std::errc{}) return std::nullopt;
  return number;
}

/// "Warning: [blastn] Query_1 r1: …", where the distinct query's number and name stand.
struct Mention {
  std::size_t from = 0;
  std::size_t to = 0;
  std::uint32_t distinct = 0;  // from 0
};

std::optional<Mention> find_mention(std::string_view line) {
  constexpr std::string_view kQuery = "Query_";
  const std::size_t from = line.find(kQuery);
  if (from == std::string_view::npos) return std::nullopt;
  const std::size_t name = line.find(' ', from) + 1;  // 0 if there is none: no name starts there
  const auto number = distinct_number(line.substr(name));
  if (name == 0 || !number || *number == 0) return std::nullopt;
  const std::size_t to = line.find_first_not_of("0123456789", name + 1);
  return Mention{from, std::min(to, line.size()), static_cast<std::uint32_t>(*number - 1)};
}

}  // namespace

std::string first_comment(blast::Program program) {
  std::string name(blast::name(program));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return fmt::format("# {} ", name);
}

bool plain_query(const sequence::Record& record) {
  return plain_name(record.id) && plain_title(record.raw) && record.letters > 0;
}

std::string_view shown_title(const sequence::Record& record) {
  return plain_title(record.raw).value_or(record.id);
}

std::string renamed(const sequence::Record& record, std::uint64_t number) {
  std::string text = fmt::format(">r{}\n", number + 1);
  text += record.raw.substr(record.raw.find('\n') + 1);
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

std::string take_messages(Repeats& repeats, std::string_view text) {
  std::string others;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (const auto mention = find_mention(line)) {
      repeats.said[mention->distinct].emplace_back(line.substr(0, mention->from), line.substr(mention->to));
    } else {
      others += fmt::format("{}\n", line);
    }
  }
  return others;
}

std::string named(std::string_view lines, std::string_view id, std::string_view title,
                  const blast::OutFormat& format) {
  const std::size_t columns = name_columns(format);
  const std::string_view delimiter = format.delimiter;
  std::string result;
  while (!lines.empty()) {
    const std::size_t feed = lines.find('\n');
    std::string_view line = lines.substr(0, feed + 1);
    lines.remove_prefix(line.size());
    if (line.starts_with(kQueryLine)) {
      result += fmt::format("{}{}\n", kQueryLine, title);
      continue;
    }
    if (line.starts_with('#')) {
      result += line;
      continue;
    }
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t end = std::min(line.find(delimiter), line.size() - 1);
      result += id;
      line.remove_prefix(end);
      if (c + 1 < columns) {
        result += delimiter;
        line.remove_prefix(delimiter.size());
      }
    }
    result += line;
  }
  return result;
}

std::string end_of_output(const blast::OutFormat& format, std::uint64_t queries) {
  return format.number == 7 ? fmt::format("{}{} queries\n", kProcessed, queries) : std::string();
}

bool rows_begin_with_name(const blast::Options& options, const blast::OutFormat& format) {
  if (!format.tabular() || format.delimiter.empty()) return false;
  const std::size_t names = name_columns(format);
  if (names == 0 || format.delimiter.find_first_of("r0123456789#\n") != std::string::npos) return false;
  const bool in_front = std::all_of(format.columns.begin(),
                                    format.columns.begin() + static_cast<std::ptrdiff_t>(names), names_query);
  // qgi would follow the name too.
  const bool other = std::ranges::find(format.columns, "qgi") != format.columns.end();
  return in_front && !other && !options.has("parse_deflines");
}

bool repeats_allowed(const blast::Options& options, const blast::OutFormat& format) {
  return options.program() == blast::Program::blastn && rows_begin_with_name(options, format);
}

Result<std::optional<Repeats>> find_repeats(const QueryFile& queries, blast::Program program,
                                            bool case_matters, const std::filesystem::path& target) {
  const sequence::Alphabet alphabet = alphabet_of(program);
  const auto letter_case = case_matters ? sequence::LetterCase::kept : sequence::LetterCase::ignored;
  LOOM_TRY(const auto source, sequence::open_byte_source(queries.path.string()));
  sequence::FastaReader reader(*source, alphabet);
  LOOM_TRY(AtomicFile file, AtomicFile::create(target));
  render::Sink out(file);
  std::map<sequence::Fingerprint, std::uint32_t> known;
  Repeats repeats;
  std::uint64_t letters = 0;
  for (;;) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) break;
    if (!plain_query(*record)) return std::nullopt;
    const auto number = static_cast<std::uint32_t>(known.size());
    const auto [place, fresh] =
        known.try_emplace(sequence::fingerprint(record->raw, alphabet, letter_case), number);
    repeats.distinct_of.push_back(place->second);
    if (!fresh) continue;
    letters += record->letters;
    LOOM_CHECKED(out.write(renamed(*record, number)));
  }
  if (letters * 3 > queries.map.letters * 2 || letters < kLeastRepeatLetters) return std::nullopt;
  repeats.distinct = known.size();
  LOOM_CHECKED(out.flush());
  LOOM_CHECKED(file.commit());
  return repeats;
}

Result<Repeats> leave_out_known(const QueryFile& queries, blast::Program program, KnownRows known,
                                const std::filesystem::path& target) {
  LOOM_TRY(const auto source, sequence::open_byte_source(queries.path.string()));
  sequence::FastaReader reader(*source, alphabet_of(program));
  LOOM_TRY(AtomicFile file, AtomicFile::create(target));
  render::Sink out(file);
  Repeats repeats;
  repeats.known = std::move(known);
  for (const KnownRows::Place& place : repeats.known.of_record) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) return error(Code::corrupt, "{} changed while it was read", queries.path.string());
    repeats.distinct_of.push_back(place.known ? Repeats::kKnown
                                              : static_cast<std::uint32_t>(repeats.distinct));
    if (place.known) continue;
    LOOM_CHECKED(out.write(renamed(*record, repeats.distinct)));
    ++repeats.distinct;
  }
  LOOM_CHECKED(out.flush());
  LOOM_CHECKED(file.commit());
  return repeats;
}

/// Where each distinct query's lines stand: in format 7 from its first comment on, else its rows, if any.
Result<std::vector<DistinctOutput::Block>> DistinctOutput::find_blocks(const std::filesystem::path& answer,
                                                                       blast::Program program,
                                                                       const blast::OutFormat& format,
                                                                       std::uint64_t distinct) {
  const std::string first = first_comment(program);
  std::vector<Block> blocks(distinct);
  LOOM_TRY(render::LineReader lines, render::LineReader::open(answer));
  const bool commented = format.number == 7;
  std::uint64_t number = 0;  // of the current query, from 1
  std::uint64_t start = 0;   // of its comments
  for (std::uint64_t at = 0;; at = lines.offset()) {
    LOOM_TRY(const auto line, lines.next());
    if (!line || (commented && line->starts_with(kProcessed))) return blocks;
    if (commented && line->starts_with(first)) {
      start = at;
      number = 0;
      continue;
    }
    const bool names = !commented || line->starts_with(kQueryLine);
    if (names) number = distinct_number(commented ? line->substr(kQueryLine.size()) : *line).value_or(0);
    if (number == 0 || number > distinct)
      return render::unlike(answer, "a line names no query that was searched");
    Block& block = blocks[number - 1];
    if (names && block.to == 0) block.from = commented ? start : at;
    block.to = lines.offset();
  }
}

Result<DistinctOutput> DistinctOutput::open(const std::filesystem::path& answer, blast::Program program,
                                            const blast::OutFormat& format, std::uint64_t distinct) {
  LOOM_TRY(std::vector<Block> blocks, find_blocks(answer, program, format, distinct));
  LOOM_TRY(render::RangeReader bytes, render::RangeReader::open(answer));
  return DistinctOutput(format, std::move(blocks), std::move(bytes));
}

Result<std::string> DistinctOutput::of(std::uint32_t number, std::string_view id,
                                       std::string_view title) const {
  const Block& block = blocks_[number];
  LOOM_TRY(const std::string rows, bytes_.read(block.from, block.to));
  return named(rows, id, title, format_);
}

Status write_for_each(const Repeats& repeats, const QueryFile& queries, blast::Program program,
                      const std::filesystem::path& answer, const blast::OutFormat& format, render::Sink& out,
                      const std::function<void(std::string_view)>& tell) {
  LOOM_TRY(const DistinctOutput output, DistinctOutput::open(answer, program, format, repeats.distinct));
  LOOM_TRY(const auto source, sequence::open_byte_source(queries.path.string()));
  sequence::FastaReader reader(*source, alphabet_of(program));
  std::optional<render::RangeReader> known;
  if (repeats.known.records > 0) {
    LOOM_TRY(known, render::RangeReader::open(repeats.known.rows));
  }
  std::size_t at = 0;
  for (const std::uint32_t distinct : repeats.distinct_of) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) return error(Code::corrupt, "{} changed while it was searched", queries.path.string());
    const std::string_view title = shown_title(*record);
    const std::size_t number = at++;
    if (distinct == Repeats::kKnown) {
      const KnownRows::Place& place = repeats.known.of_record[number];
      LOOM_TRY(const std::string rows, known->read(place.from, place.to));
      LOOM_CHECKED(out.write(named(rows, record->id, title, format)));
      continue;
    }
    if (const auto said = repeats.said.find(distinct); said != repeats.said.end()) {
      for (const auto& [before, behind] : said->second)
        tell(fmt::format("{}Query_{} {}{}", before, record->ordinal + 1, title, behind));
    }
    LOOM_TRY(const std::string rows, output.of(distinct, record->id, title));
    LOOM_CHECKED(out.write(rows));
  }
  return out.write(end_of_output(format, repeats.distinct_of.size()));
}

}  // namespace loom::search
