#include "service/request_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/number.hpp"
#include "blast/outfmt.hpp"
#include "blast/split_limits.hpp"
#include "catalog/database.hpp"
#include "catalog/search_path.hpp"
#include "search/engine_args.hpp"
#include "search/scout.hpp"
#include "sequence/byte_source.hpp"
#include "sequence/fasta_reader.hpp"
#include "service/query_look.hpp"

namespace loom::service {

bool names_no_folder(std::string_view names) {
  return names.find_first_of("/\\") == std::string_view::npos && names.find("..") == std::string_view::npos;
}

namespace {

constexpr std::size_t kLongestTitle = 240;
constexpr std::int32_t kMostPriority = 100;

/// The server decides these.
constexpr std::array kIgnored{"num_threads", "mt_mode"};
/// Given by other means, or not to be had over the wire.
constexpr std::array kGivenElsewhere{"query", "db", "out"};

/// A database beside the one that is searched, which the server must have.
constexpr std::string_view kDomains = "rpsdb";

std::string words(const std::string& value) {
  return value.substr(0, 80);
}

Status set_option(blast::Options& options, const std::string& name, const std::string& value,
                  std::vector<std::string>& warnings) {
  if (std::ranges::find(kIgnored, name) != kIgnored.end()) {
    warnings.push_back("option " + name + " was left out: the server decides how many threads run");
    return ok();
  }
  if (std::ranges::find(kGivenElsewhere, name) != kGivenElsewhere.end())
    return error(Code::invalid_argument, "option {}: give it as a field of its own, not among the options",
                 name);
  if (name == kDomains) {
    if (!names_no_folder(value))
      return error(Code::invalid_argument, "option {}: a name without folders is needed, not '{}'", name,
                   words(value));
    return options.set(name, value);
  }
  const blast::OptionSpec* spec = blast::find_option(options.program(), name);
  if (spec != nullptr && (spec->type == blast::Type::input_file || spec->type == blast::Type::output_file ||
                          spec->refers != blast::Refers::nothing || name == "remote"))
    return error(Code::invalid_argument,
                 "option {}: a server does not take it, because it names a file or place of "
                 "the machine; use 'blastloom search' there",
                 name);
  if (spec != nullptr && spec->type == blast::Type::flag) {
    if (value == "false") return ok();
    if (!value.empty() && value != "true")
      return error(Code::invalid_argument, "option {}: it is a flag: true or false, not '{}'", name,
                   words(value));
    return options.set(name, "");
  }
  return options.set(name, value);
}

struct PlaceRange {
  std::uint64_t from = 0;
  std::uint64_t until = 0;
};

/// "5-10", from 1; BLAST+ takes no single letter for a range.
std::optional<PlaceRange> range_in(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = number_of<std::uint64_t>(text.substr(0, dash));
  const auto until = number_of<std::uint64_t>(text.substr(dash + 1));
  if (!from || !until || *from < 1 || *from >= *until) return std::nullopt;
  return PlaceRange{*from, *until};
}

/// Values that BLAST+ reads only when it searches.
Status check_texts(const blast::Options& options) {
  if (const auto* range = options.find("query_loc"); range != nullptr && !range_in(range->text))
    return error(
        Code::invalid_argument,
        "option query_loc: '{}' is no part of a query; give its first and last letter, such as 1-100",
        words(range->text));
  for (const char* name : {"taxids", "negative_taxids"}) {
    const auto* taxids = options.find(name);
    if (taxids != nullptr && taxids->text.find_first_not_of("0123456789,- ") != std::string::npos)
      return error(Code::invalid_argument, "option {}: '{}' is no list of taxids, such as 9606,10090", name,
                   words(taxids->text));
  }
  return ok();
}

Status check_database_name(const std::string& names) {
  if (names.empty())
    return error(Code::invalid_argument, "database: name one; GET /api/blast/databases lists them");
  if (!names_no_folder(names))
    return error(Code::invalid_argument,
                 "database: a name without folders is needed, not '{}'; GET "
                 "/api/blast/databases lists them",
                 words(names));
  return ok();
}

Result<blast::Options> read_options(const SubmitRequest& request, std::vector<std::string>& warnings) {
  LOOM_TRY(const blast::Program program, blast::parse_program(request.program));
  blast::Options options(program);
  LOOM_CHECKED(check_database_name(request.database));
  LOOM_CHECKED(options.set("db", request.database));
  for (const auto& [name, value] : request.options) {
    if (options.has(name)) return error(Code::invalid_argument, "option {} is given twice", name);
    LOOM_CHECKED(set_option(options, name, value, warnings));
  }
  LOOM_CHECKED(options.check());
  LOOM_CHECKED(check_texts(options));
  const auto* outfmt = options.find("outfmt");
  LOOM_TRY(const blast::OutFormat format,
           blast::parse_outfmt(program, outfmt == nullptr ? "0" : outfmt->text));
  if (format.number == 13 || format.number == 14)
    return error(Code::invalid_argument,
                 "option outfmt: {} writes a file for each query; use {}, which holds the same "
                 "in one",
                 format.number, format.number + 2);
  for (const std::string& word : format.ignored)
    warnings.push_back("option outfmt: '" + word + "' is no column");
  return options;
}

/// The program that searches a database of `there` with the queries of `program`.
blast::Program program_for(blast::Program program, blast::Molecule there) {
  const bool protein_query = blast::query_molecule(program) == blast::Molecule::protein;
  if (there == blast::Molecule::protein)
    return protein_query ? blast::Program::blastp : blast::Program::blastx;
  return protein_query ? blast::Program::tblastn : blast::Program::blastn;
}

/// That there is such a database, but of the other molecule; nullopt if there is none.
std::optional<Error> other_molecule(const blast::Options& options, const std::string& path) {
  const blast::Program program = options.program();
  const auto other = blast::database_kind(program) == blast::DatabaseKind::nucleotide
                         ? blast::Molecule::protein
                         : blast::Molecule::nucleotide;
  const std::string& name = options.find("db")->text;
  if (!catalog::open_database(name, other, catalog::SearchPath::with(path))) return std::nullopt;
  return error(
      Code::invalid_argument,
      "database: {} holds {} sequences, which {} does not search; {} searches them with such queries", name,
      blast::name(other), blast::name(program), blast::name(program_for(program, other)));
}

/// The error names no folder of ours.
Result<DatabaseFacts> find_database(KnownDatabases& databases, const blast::Options& options,
                                    const std::string& path) {
  auto database = databases.get(options, path);
  if (database) return database;
  if (auto why = other_molecule(options, path)) return *std::move(why);
  if (database.error().code != Code::not_found) return database;
  const std::string& words = database.error().message;
  const std::size_t near = words.find("did you mean");
  return error(Code::not_found,
               "database: there is no '{}' for {}{}; GET /api/blast/databases lists those there are",
               options.find("db")->text, blast::name(options.program()),
               near == std::string::npos ? "" : ", " + words.substr(near));
}

/// deltablast looks for domains of the queries first.
Status check_domains(const blast::Options& options, const std::string& path) {
  const blast::OptionSpec* spec = blast::find_option(options.program(), kDomains);
  if (spec == nullptr) return ok();
  const std::string name = search::text_of(options, kDomains, spec->default_value);
  const auto found = catalog::open_database(name, blast::Molecule::protein, catalog::SearchPath::with(path));
  if (found) return ok();
  if (found.error().code != Code::not_found) return found.error();
  return error(
      Code::invalid_argument,
      "option {}: this server has no domain database '{}'; name another of its databases, or ask its "
      "operator for NCBI's cdd_delta",
      kDomains, words(name));
}

sequence::Alphabet alphabet_of(blast::Program program) {
  return blast::query_molecule(program) == blast::Molecule::protein ? sequence::Alphabet::protein
                                                                    : sequence::Alphabet::nucleotide;
}

/// BLAST+ passes over queries that end before the range, and fails when none is left.
Status check_query_loc(const blast::Options& options, const QueryUpload& query) {
  const auto* given = options.find("query_loc");
  if (given == nullptr) return ok();
  LOOM_TRY(const auto source, query.open());
  sequence::FastaReader reader(*source, alphabet_of(options.program()));
  std::uint64_t longest = 0;
  for (;;) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) break;
    longest = std::max(longest, record->letters);
  }
  if (range_in(given->text)->from <= longest) return ok();
  return error(Code::invalid_argument,
               "option query_loc: {} lies behind the end of every query; the longest has {} letters",
               words(given->text), longest);
}

Result<sequence::QueryMap> read_queries(blast::Program program, const QueryUpload& query,
                                        const Limits& limits) {
  if (query.size_bytes() == 0) return error(Code::invalid_argument, "query: it is empty; give FASTA text");
  LOOM_TRY(const auto source, query.open());
  auto map = sequence::map_queries(*source, alphabet_of(program), 10'000);
  if (!map) {
    // The reader names the file; the caller knows none.
    std::string words = map.error().message;
    const std::string file = query.path().string();
    if (const auto at = words.find(file); !file.empty() && at != std::string::npos)
      words.replace(at, file.size(), "query");
    return Error{map.error().code == Code::corrupt ? Code::invalid_argument : map.error().code, words};
  }
  if (map->records == 0)
    return error(Code::invalid_argument, "query: there is no sequence in it; give FASTA text");
  if (limits.queries.passed_by(map->records))
    return error(Code::too_large, "query: {} sequences; this server takes {} in a job{}. Split them",
                 map->records, limits.queries.most, limits.queries.way_out());
  if (limits.letters.passed_by(map->letters))
    return error(Code::too_large, "query: {} letters; this server takes {} in a job{}. Split them",
                 map->letters, limits.letters.most, limits.letters.way_out());
  return *std::move(map);
}

Status check_fields(const SubmitRequest& request) {
  LOOM_CHECKED(check_title(request.title));
  if (request.priority < -kMostPriority || request.priority > kMostPriority)
    return error(Code::invalid_argument, "priority: {} is outside -{} to {}", request.priority, kMostPriority,
                 kMostPriority);
  if (request.on_saturation != "identical" && request.on_saturation != "complete")
    return error(Code::invalid_argument, "on_saturation: '{}' is neither identical nor complete",
                 words(request.on_saturation));
  return ok();
}

}  // namespace

Status check_title(std::string_view title) {
  if (title.size() <= kLongestTitle) return ok();
  return error(Code::invalid_argument, "title: {} bytes; at most {} are kept", title.size(), kLongestTitle);
}

Result<Checked> check_request(const SubmitRequest& request, const QueryUpload& query, const Limits& limits,
                              KnownDatabases& databases, const std::string& database_path) {
  LOOM_CHECKED(check_fields(request));
  std::vector<std::string> warnings;
  LOOM_TRY(blast::Options options, read_options(request, warnings));
  LOOM_TRY(const DatabaseFacts database, find_database(databases, options, database_path));
  LOOM_CHECKED(check_domains(options, database_path));
  LOOM_TRY(sequence::QueryMap queries, read_queries(options.program(), query, limits));
  LOOM_CHECKED(check_query_loc(options, query));
  Checked checked{.spec = {.options = std::move(options), .snapshot = {}},
                  .queries = std::move(queries),
                  .warnings = std::move(warnings)};
  if (request.on_saturation == "complete") {
    const auto* outfmt = checked.spec.options.find("outfmt");
    const auto format =
        blast::parse_outfmt(checked.spec.options.program(), outfmt == nullptr ? "0" : outfmt->text);
    if (!format || !search::complete_format(*format))
      return error(Code::invalid_argument, "on_saturation: complete goes with outfmt 6, 7 and 10 only");
    checked.spec.on_saturation = search::OnSaturation::complete;
  }
  checked.spec.snapshot = database.snapshot;
  checked.spec.database_path = database_path;
  checked.spec.database_bytes = database.bytes;
  checked.spec.fresh = request.fresh;
  return checked;
}

Result<std::vector<std::string>> warnings_of(const Checked& checked, const QueryUpload& query,
                                             std::uint64_t memory_bytes) {
  std::vector<std::string> warnings = checked.warnings;
  LOOM_TRY(const auto source, query.open());
  LOOM_TRY(const QueryLook look, look_at_query(*source));
  for (std::string& one : query_warnings(look, checked.spec.options)) warnings.push_back(std::move(one));
  if (memory_bytes > 0 && checked.spec.database_bytes > memory_bytes)
    warnings.push_back(fmt::format(
        "database: its {} MiB do not fit the {} MiB of memory that this server has for databases; "
        "it is searched in parts, each read once",
        checked.spec.database_bytes >> 20U, memory_bytes >> 20U));
  return warnings;
}

}  // namespace loom::service
