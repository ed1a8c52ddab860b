#include "search/parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_set>

#include "base/atomic_file.hpp"
#include "base/lines.hpp"
#include "base/number.hpp"
#include "blast/program.hpp"
#include "blast/split_limits.hpp"
#include "render/part_text.hpp"
#include "render/sink.hpp"
#include "search/coalesced.hpp"
#include "search/engine_args.hpp"
#include "search/repeats.hpp"
#include "search/task_runner.hpp"
#include "sequence/query_map.hpp"

namespace loom::search {

namespace fs = std::filesystem;

namespace {

constexpr const char* kRowsFile = "known.rows";
constexpr const char* kPlacesFile = "known.places";

/// The letters of a record as the engine sees them; nullopt for one with anything else in it: comments, gaps
/// of an assembly, bytes that the engine drops.
std::optional<std::string> letters_of(std::string_view raw, const PartRule& rule) {
  const sequence::Alphabet alphabet = alphabet_of(rule.program);
  std::string letters;
  take_line(raw);  // the defline
  while (!raw.empty()) {
    std::string_view line = take_line(raw);
    while (line.ends_with(' ')) line.remove_suffix(1);
    if (!std::ranges::all_of(line, [alphabet](char c) { return sequence::is_letter(c, alphabet); }))
      return std::nullopt;
    letters += line;
  }
  if (!rule.case_matters)
    std::ranges::transform(letters, letters.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  return letters;
}

/// The ordinals (from 1) of the queries that `messages` are about; nullopt when a line is about none.
std::optional<std::set<std::uint64_t>> mentioned(std::string_view messages) {
  std::set<std::uint64_t> ordinals;
  while (!messages.empty()) {
    const std::string_view line = take_line(messages);
    if (line.empty()) continue;
    constexpr std::string_view kQuery = "Query_";
    const std::size_t at = line.find(kQuery);
    if (at == std::string_view::npos) return std::nullopt;
    std::uint64_t ordinal = 0;
    const char* first = line.data() + at + kQuery.size();
    if (std::from_chars(first, line.data() + line.size(), ordinal).ec != std::errc{}) return std::nullopt;
    ordinals.insert(ordinal);
  }
  return ordinals;
}

/// Takes tabular output apart, query by query in their order.
class RowsByQuery {
 public:
  RowsByQuery(const PartRule& rule, std::string_view output)
      : format_(rule.format), rest_(output), first_comment_(first_comment(rule.program)) {}
  /// The lines about the next query; nullopt when the output does not go on with them.
  std::optional<std::string_view> take(const Part::Query& query) {
    return format_.number == 7 ? take_commented(query) : take_rows(query);
  }
  /// Whether nothing is left but what format 7 ends with.
  [[nodiscard]] bool at_end() const {
    return format_.number == 7 ? rest_.starts_with(kProcessed) : rest_.empty();
  }

 private:
  std::optional<std::string_view> take_commented(const Part::Query& query) {
    if (!rest_.starts_with(first_comment_)) return std::nullopt;
    const std::string title = fmt::format("{}{}", kQueryLine, query.title);
    bool named = false;
    const char* begin = rest_.data();
    do {
      const std::string_view line = take_line(rest_);
      named = named || line == title;
    } while (!rest_.empty() && !rest_.starts_with(first_comment_) && !rest_.starts_with(kProcessed));
    if (!named) return std::nullopt;
    return std::string_view(begin, static_cast<std::size_t>(rest_.data() - begin));
  }
  std::optional<std::string_view> take_rows(const Part::Query& query) {
    const char* begin = rest_.data();
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find(format_.delimiter), rest_.find('\n'));
      if (rest_.substr(0, end) != query.id) break;
      take_line(rest_);
    }
    return std::string_view(begin, static_cast<std::size_t>(rest_.data() - begin));
  }

  const blast::OutFormat& format_;
  std::string_view rest_;
  std::string first_comment_;
};

/// Known reads stand aside until what is searched has as many letters as its tables need.
void search_at_least(std::uint64_t least_letters, const std::vector<std::uint64_t>& letters,
                     KnownRows& known) {
  std::uint64_t searched = 0;
  for (std::size_t i = 0; i < letters.size(); ++i)
    if (!known.of_record[i].known) searched += letters[i];
  for (std::size_t i = 0; i < letters.size() && searched < least_letters; ++i) {
    if (!known.of_record[i].known) continue;
    known.of_record[i] = {};
    --known.records;
    searched += letters[i];
  }
}

Status save_places(const KnownRows& known, const fs::path& folder) {
  std::string text;
  for (const KnownRows::Place& place : known.of_record)
    text += place.known ? fmt::format("{} {}\n", place.from, place.to) : "-\n";
  LOOM_TRY(AtomicFile file, AtomicFile::create(folder / kPlacesFile));
  LOOM_CHECKED(file.write(text));
  return file.commit();
}

}  // namespace

std::optional<PartRule> part_rule(const blast::Options& options, std::uint64_t queries,
                                  std::uint64_t letters) {
  using blast::Program;
  const Program program = options.program();
  if (program == Program::psiblast || program == Program::deltablast || !options.has("db"))
    return std::nullopt;
  // Then batches end elsewhere.
  if (batch_size_of_user()) return std::nullopt;
  auto format = blast::parse_outfmt(program, text_of(options, "outfmt", "0"));
  if (!format || !rows_begin_with_name(options, *format)) return std::nullopt;
  if (letters > kMostPartedBytes || cuts_across_queries(options)) return std::nullopt;
  if (!blast::allows_batches(blast::split_limits(options))) return std::nullopt;
  PartRule rule{.program = program, .format = *std::move(format)};
  rule.case_matters = options.has("lcase_masking");
  if (const auto batch = sequence::internal_batch_letters(blast::name(program))) {
    rule.unit_letters = *batch;
    rule.kind = "batch";
    return rule;
  }
  if (letters >= kLeastRepeatLetters) {
    rule.kind = "among many";
    rule.least_letters = kLeastRepeatLetters;
    return rule;
  }
  if (company_of(options, letters_in_company(letters, queries)).empty()) return std::nullopt;
  rule.kind = "in company";
  return rule;
}

Result<std::optional<Part>> PartReader::next() {
  Part part{.queries = {}, .letters = rule_.kind + "\n"};
  std::uint64_t held = 0;
  while (plain_ && (part.queries.empty() || held < rule_.unit_letters)) {
    LOOM_TRY(const auto record, reader_.next());
    if (!record) break;
    auto letters = plain_query(*record) ? letters_of(record->raw, rule_) : std::nullopt;
    plain_ = letters && part.letters.size() + letters->size() < kMostPartedBytes;
    if (!plain_) break;
    part.letters += *letters + "\n";
    part.queries.push_back({std::string(record->id), std::string(shown_title(*record)), record->letters});
    held += record->letters;
  }
  if (!plain_ || part.queries.empty()) return std::optional<Part>();
  return std::optional(std::move(part));
}

Result<std::optional<std::string>> output_of_parts(sequence::ByteSource& queries, const PartRule& rule,
                                                   const FindPart& find) {
  std::optional<std::string> none;
  PartReader reader(queries, rule);
  std::string output;
  std::uint64_t count = 0;
  for (;;) {
    LOOM_TRY(const auto part, reader.next());
    if (!part) break;
    const auto rows = find(part->letters);
    if (!rows || rows->size() != part->queries.size()) return none;
    for (std::size_t i = 0; i < rows->size(); ++i)
      output += named((*rows)[i], part->queries[i].id, part->queries[i].title, rule.format);
    count += rows->size();
    if (output.size() > kMostPartedBytes) return none;
  }
  if (!reader.plain() || count == 0) return none;
  return std::optional(output + end_of_output(rule.format, count));
}

Result<std::vector<std::pair<std::string, PartRows>>> parts_of_output(sequence::ByteSource& queries,
                                                                      const PartRule& rule,
                                                                      std::string_view output,
                                                                      std::string_view messages) {
  std::vector<std::pair<std::string, PartRows>> none;
  const auto said_about = mentioned(messages);
  if (!said_about || output.size() > kMostPartedBytes) return none;
  std::vector<std::pair<std::string, PartRows>> parts;
  PartReader reader(queries, rule);
  RowsByQuery rows(rule, output);
  std::unordered_set<std::string> names;
  std::uint64_t ordinal = 0;
  std::uint64_t letters = 0;
  for (;;) {
    LOOM_TRY(auto part, reader.next());
    if (!part) break;
    PartRows of_part;
    bool silent = true;
    for (const Part::Query& query : part->queries) {
      const bool odd = query.id.starts_with('#') || query.id.find(rule.format.delimiter) != std::string::npos;
      const auto lines = rows.take(query);
      if (odd || !lines || !names.insert(query.id).second) return none;
      of_part.push_back(named(*lines, kPartName, kPartName, rule.format));
      silent = silent && !said_about->contains(++ordinal);
    }
    letters += part->letters.size();
    if (letters > kMostPartedBytes) return none;
    if (silent) parts.emplace_back(std::move(part->letters), std::move(of_part));
  }
  return reader.plain() && rows.at_end() ? parts : none;
}

std::string known_queries_told(std::uint64_t known, std::uint64_t queries) {
  return fmt::format("{} of {} queries are answered by what earlier searches found.", known, queries);
}

Result<std::optional<KnownRows>> find_known(const QueryFile& queries, const PartRule& rule,
                                            const FindPart& find, const fs::path& folder) {
  std::error_code missing;
  fs::remove(folder / kPlacesFile, missing);
  std::optional<KnownRows> none;
  KnownRows known{.rows = folder / kRowsFile};
  LOOM_TRY(const auto source, sequence::open_byte_source(queries.path.string()));
  PartReader reader(*source, rule);
  LOOM_TRY(AtomicFile file, AtomicFile::create(known.rows));
  render::Sink out(file);
  std::vector<std::uint64_t> letters;
  for (;;) {
    LOOM_TRY(const auto part, reader.next());
    if (!part) break;
    const auto rows = find(part->letters);
    const bool fits = rows && rows->size() == part->queries.size();
    for (std::size_t i = 0; i < part->queries.size(); ++i) {
      letters.push_back(part->queries[i].letters);
      KnownRows::Place place{.known = fits, .from = out.bytes()};
      if (fits) LOOM_CHECKED(out.write((*rows)[i]));
      place.to = out.bytes();
      known.of_record.push_back(place);
      known.records += fits ? 1 : 0;
    }
  }
  if (!reader.plain() || known.records == letters.size()) return none;
  search_at_least(rule.least_letters, letters, known);
  if (known.records == 0 || known.records == letters.size()) return none;
  LOOM_CHECKED(out.flush());
  LOOM_CHECKED(file.commit());
  LOOM_CHECKED(save_places(known, folder));
  return std::optional(std::move(known));
}

Result<std::optional<KnownRows>> load_known(const QueryFile& queries, const fs::path& folder) {
  if (std::error_code missing; !fs::exists(folder / kPlacesFile, missing)) return std::optional<KnownRows>();
  KnownRows known{.rows = folder / kRowsFile};
  LOOM_TRY(const std::string text, read_file(folder / kPlacesFile));
  LOOM_TRY(const std::uint64_t bytes, render::size_of(known.rows));
  std::string_view rest = text;
  bool fits = true;
  while (!rest.empty() && fits) {
    const std::string_view line = take_line(rest);
    KnownRows::Place place{.known = line != "-"};
    if (place.known) {
      const std::size_t blank = std::min(line.find(' '), line.size());
      const auto from = number_of<std::uint64_t>(line.substr(0, blank));
      const auto to = number_of<std::uint64_t>(line.substr(std::min(blank + 1, line.size())));
      fits = from && to && *from <= *to && *to <= bytes;
      place.from = from.value_or(0);
      place.to = to.value_or(0);
    }
    known.records += place.known ? 1 : 0;
    known.of_record.push_back(place);
  }
  if (!fits || known.of_record.size() != queries.map.records)
    return error(Code::corrupt, "{} does not fit the queries; submit the search again",
                 (folder / kPlacesFile).string());
  return std::optional(std::move(known));
}

}  // namespace loom::search
