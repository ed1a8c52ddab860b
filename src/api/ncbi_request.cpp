#include "api/ncbi_request.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <cctype>
#include <optional>
#include <set>
#include <tuple>

#include "api/entrez_query.hpp"
#include "base/number.hpp"
#include "base/text.hpp"
#include "blast/option_spec.hpp"
#include "blast/program.hpp"

namespace loom::api {
namespace {

using boost::beast::iequals;
using Options = std::vector<std::pair<std::string, std::string>>;

struct Pair {
  std::string_view ncbi;
  std::string_view ours;
};

// Parameters whose value BLAST+ takes as it stands.
constexpr std::array kSame{Pair{"EXPECT", "evalue"},
                           Pair{"WORD_SIZE", "word_size"},
                           Pair{"NUCL_REWARD", "reward"},
                           Pair{"NUCL_PENALTY", "penalty"},
                           Pair{"MATRIX", "matrix"},
                           Pair{"MATRIX_NAME", "matrix"},
                           Pair{"THRESHOLD", "threshold"},
                           Pair{"PERC_IDENT", "perc_identity"},
                           Pair{"GENETIC_CODE", "query_gencode"},
                           Pair{"DB_GENETIC_CODE", "db_gencode"},
                           Pair{"I_THRESH", "inclusion_ethresh"},
                           Pair{"SEARCHSP_EFF", "searchsp"},
                           Pair{"HSP_RANGE_MAX", "culling_limit"},
                           Pair{"TEMPLATE_LENGTH", "template_length"}};

// Read elsewhere in this file, of a search.
constexpr std::array<std::string_view, 16> kOfSearch{
    "QUERY",        "QUERY_FROM",         "QUERY_TO",
    "FILTER",       "GAPCOSTS",           "HITLIST_SIZE",
    "MAX_NUM_SEQ",  "MEGABLAST",          "COMPOSITION_BASED_STATISTICS",
    "LCASE_MASK",   "UNGAPPED_ALIGNMENT", "TEMPLATE_TYPE",
    "ENTREZ_QUERY", "SHORT_QUERY_ADJUST", "QUERY_BELIEVE_DEFLINE",
    "JOB_TITLE"};

// They tell the search or the format, or change NCBI's page, not the answer.
constexpr std::array<std::string_view, 23> kOfBoth{"CMD",
                                                   "RID",
                                                   "PROGRAM",
                                                   "SERVICE",
                                                   "DATABASE",
                                                   "FORMAT_TYPE",
                                                   "FORMAT_OBJECT",
                                                   "ALIGNMENT_VIEW",
                                                   "ALIGNMENTS",
                                                   "DESCRIPTIONS",
                                                   "NCBI_GI",
                                                   "AUTO_FORMAT",
                                                   "LAYOUT",
                                                   "ENDPOINTS",
                                                   "SHOW_OVERVIEW",
                                                   "NUM_OVERVIEW",
                                                   "ENTREZ_LINKS_NEW_WINDOW",
                                                   "CLIENT",
                                                   "EMAIL",
                                                   "TOOL",
                                                   "PAGE",
                                                   "PAGE_TYPE",
                                                   "BLAST_SPEC"};

bool is_yes(std::string_view text) {
  return iequals(text, "on") || iequals(text, "yes") || iequals(text, "true") || iequals(text, "t") ||
         text == "1";
}

bool is_no(std::string_view text) {
  return text.empty() || iequals(text, "off") || iequals(text, "no") || iequals(text, "false") ||
         iequals(text, "f") || text == "0";
}

Parsed<std::monostate> check_names(const http::Pairs& parameters, bool search) {
  std::set<std::string, boost::beast::iless> seen;
  for (const auto& parameter : parameters) {
    const std::string& name = parameter.first;
    const auto is = [&name](std::string_view known) { return iequals(known, name); };
    const bool of_search = std::ranges::any_of(kOfSearch, is) || std::ranges::any_of(kSame, is, &Pair::ncbi);
    if (of_search && !search && !parameter.second.empty())
      return wrong(name, "{} changes no search that was made: give it to CMD=Put", name);
    if (!of_search && std::ranges::none_of(kOfBoth, is))
      return wrong(name.substr(0, 80),
                   "{} is not supported here; POST /api/blast/jobs takes every option of BLAST+",
                   name.substr(0, 80));
    if (!seen.insert(name).second) return wrong(name, "{} is given twice", name);
  }
  return std::monostate{};
}

// Which engine PROGRAM and SERVICE mean together.
Parsed<std::string> engine_of(const http::Pairs& parameters) {
  std::string program = ncbi_value(parameters, "PROGRAM");
  std::ranges::transform(program, program.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 5> kPrograms{"blastn", "blastp", "blastx", "tblastn", "tblastx"};
  if (std::ranges::find(kPrograms, program) == kPrograms.end())
    return wrong("PROGRAM", "PROGRAM must be blastn, blastp, blastx, tblastn or tblastx, not '{}'",
                 program.substr(0, 80));
  const std::string service = ncbi_value(parameters, "SERVICE");
  if (service.empty() || iequals(service, "plain")) return program;
  if (iequals(service, "megablast") && program == "blastn") return program;
  if (iequals(service, "psi") && program == "blastp") return std::string("psiblast");
  if (iequals(service, "delta_blast") && program == "blastp") return std::string("deltablast");
  if (iequals(service, "rpsblast") && program == "blastp") return std::string("rpsblast");
  if (iequals(service, "rpsblast") && program == "blastx") return std::string("rpstblastn");
  return wrong("SERVICE", "SERVICE={} is not supported with PROGRAM={}", service.substr(0, 80), program);
}

// "L", "mL", "T", "F", "L;m;": low-complexity regions are masked, or not, or for the lookup table only (m).
Parsed<std::monostate> add_filter(std::string_view text, const std::string& program, Options& options) {
  if (text.empty()) return std::monostate{};
  bool masked = false;
  bool soft = false;
  for (const char c : text) {
    if (c == 'm') {
      soft = true;
    } else if (c == 'L' || c == 'T' || c == 't' || c == 'l') {
      masked = true;
    } else if (c != ';' && c != ' ' && c != 'F' && c != 'f') {
      return wrong("FILTER", "FILTER={}: L (low complexity), m (for the lookup table only), T or F are known",
                   text.substr(0, 80));
    }
  }
  const char* const filter = program == "blastn" ? "dust" : "seg";
  options.emplace_back(filter, masked ? "yes" : "no");
  if (soft) options.emplace_back("soft_masking", "true");
  return std::monostate{};
}

// By hand: std::regex calls itself for every character, and the caller says how many there are.
Parsed<std::monostate> add_gap_costs(std::string_view text, Options& options) {
  if (text.empty()) return std::monostate{};
  constexpr std::size_t kMostDigits = 9;
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.size() <= kMostDigits &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const std::string_view open = text.substr(0, text.find_first_of(" ,"));
  std::string_view extend = text.substr(open.size());
  extend.remove_prefix(std::min(extend.find_first_not_of(" ,"), extend.size()));
  if (!is_number(open) || !is_number(extend))
    return wrong("GAPCOSTS", "GAPCOSTS must be two numbers such as '11 1', not '{}'", text.substr(0, 80));
  options.emplace_back("gapopen", open);
  options.emplace_back("gapextend", extend);
  return std::monostate{};
}

Parsed<std::monostate> add_organisms(std::string_view text, service::SubmitRequest& into) {
  if (text.empty() || iequals(text, "(none)") || iequals(text, "none")) return std::monostate{};
  auto organisms = parse_entrez_organisms(text);
  if (!organisms) return wrong("ENTREZ_QUERY", "{}", organisms.error().message);
  into.organisms = std::move(organisms->wanted);
  into.organisms_not = std::move(organisms->unwanted);
  return std::monostate{};
}

Parsed<std::monostate> add_location(const http::Pairs& parameters, Options& options) {
  const std::string from = ncbi_value(parameters, "QUERY_FROM");
  const std::string to = ncbi_value(parameters, "QUERY_TO");
  if (from.empty() && to.empty()) return std::monostate{};
  if (from.empty() || to.empty())
    return wrong(from.empty() ? "QUERY_FROM" : "QUERY_TO", "QUERY_FROM and QUERY_TO go together");
  options.emplace_back("query_loc", from + "-" + to);
  return std::monostate{};
}

// How many letters a single sequence has; nullopt for a set of them.
std::optional<std::size_t> letters_of_one(std::string_view query) {
  std::size_t letters = 0;
  bool header = false;
  bool line_start = true;
  for (const char c : query) {
    if (line_start && c == '>') {
      if (letters > 0) return std::nullopt;
      header = true;
    }
    line_start = c == '\n';
    if (line_start) header = false;
    if (!header && boost::beast::string_view(" \t\r\n").find(c) == boost::beast::string_view::npos) ++letters;
  }
  return letters;
}

// A bare word with digits in it is no sequence; BLAST+ would ask NCBI for it.
Parsed<std::monostate> check_query(std::string_view query) {
  if (query.starts_with('>')) return std::monostate{};
  while (!query.empty()) {
    std::string_view line = query.substr(0, query.find('\n'));
    query.remove_prefix(std::min(line.size() + 1, query.size()));
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (line.starts_with('>')) break;
    const bool word = line.find_first_of(" \t") == std::string_view::npos;
    if (word && line.find_first_of("0123456789_|") != std::string_view::npos)
      return wrong("QUERY",
                   "QUERY: '{}' looks like an accession; sequences are not fetched here, send FASTA text",
                   line.substr(0, 80));
  }
  return std::monostate{};
}

Parsed<std::monostate> check_task(const http::Pairs& parameters, std::string_view program) {
  const std::string mega = ncbi_value(parameters, "MEGABLAST");
  if (!is_yes(mega) && !is_no(mega))
    return wrong("MEGABLAST", "MEGABLAST must be yes or no, not '{}'", mega.substr(0, 80));
  if (program == "blastn") return std::monostate{};
  if (is_yes(mega)) return wrong("MEGABLAST", "MEGABLAST is for PROGRAM=blastn, not {}", program);
  if (!ncbi_value(parameters, "TEMPLATE_TYPE").empty())
    return wrong("TEMPLATE_TYPE", "TEMPLATE_TYPE is for PROGRAM=blastn, not {}", program);
  return std::monostate{};
}

void add_task(const http::Pairs& parameters, NcbiSearch& search) {
  constexpr std::size_t kShort = 30;  // letters, as on NCBI's page
  Options& options = search.request.options;
  const std::string& program = search.request.program;
  if (is_yes(ncbi_value(parameters, "SHORT_QUERY_ADJUST")) && (program == "blastn" || program == "blastp")) {
    const auto letters = letters_of_one(search.query);
    if (letters && *letters <= kShort) return options.emplace_back("task", program + "-short"), void();
  }
  if (program != "blastn") return;
  const std::string templates = ncbi_value(parameters, "TEMPLATE_TYPE");
  const bool mega =
      is_yes(ncbi_value(parameters, "MEGABLAST")) || iequals(ncbi_value(parameters, "SERVICE"), "megablast");
  options.emplace_back("task", !templates.empty() ? "dc-megablast" : mega ? "megablast" : "blastn");
  if (!templates.empty())
    options.emplace_back("template_type", iequals(templates, "both") ? "coding_and_optimal" : templates);
}

Parsed<std::monostate> add_flags(const http::Pairs& parameters, Options& options) {
  for (const auto& [name, option] : {Pair{"LCASE_MASK", "lcase_masking"},
                                     {"UNGAPPED_ALIGNMENT", "ungapped"},
                                     {"QUERY_BELIEVE_DEFLINE", "parse_deflines"}}) {
    const std::string text = ncbi_value(parameters, name);
    if (!is_yes(text) && !is_no(text))
      return wrong(name, "{} must be yes or no, not '{}'", name, text.substr(0, 80));
    if (is_yes(text)) options.emplace_back(option, "true");
  }
  const std::string composition = ncbi_value(parameters, "COMPOSITION_BASED_STATISTICS");
  if (!composition.empty())
    options.emplace_back("comp_based_stats", iequals(composition, "yes")  ? "T"
                                             : iequals(composition, "no") ? "F"
                                                                          : composition);
  return std::monostate{};
}

bool is_text(std::string_view outfmt) {
  return outfmt.size() == 1 && outfmt[0] >= '0' && outfmt[0] <= '4';
}

/// What is smaller of two numbers as texts; what is none of a number is left for the options to refuse.
std::string smaller(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return a + b;
  return std::pair(a.size(), a) < std::pair(b.size(), b) ? a : b;
}

void add_hit_limit(const http::Pairs& parameters, const std::string& outfmt, Options& options) {
  std::string most = ncbi_value(parameters, "HITLIST_SIZE");
  if (most.empty()) most = ncbi_value(parameters, "MAX_NUM_SEQ");
  // BLAST+ does not take max_target_seqs for the formats that print descriptions and alignments.
  if (is_text(outfmt)) {
    for (const auto& [name, option] :
         {Pair{"DESCRIPTIONS", "num_descriptions"}, {"ALIGNMENTS", "num_alignments"}})
      if (std::string value = smaller(ncbi_value(parameters, name), most); !value.empty())
        options.emplace_back(option, std::move(value));
  } else if (!most.empty()) {
    options.emplace_back("max_target_seqs", most);
  }
}

}  // namespace

std::string ncbi_value(const http::Pairs& parameters, std::string_view name) {
  for (const auto& [known, value] : parameters)
    if (iequals(known, name)) return std::string(trimmed(value));
  return "";
}

Parsed<std::string> ncbi_outfmt(const http::Pairs& parameters, std::string otherwise) {
  const std::string type = ncbi_value(parameters, "FORMAT_TYPE");
  const std::string view = ncbi_value(parameters, "ALIGNMENT_VIEW");
  constexpr std::array kViews{Pair{"Pairwise", "0"},
                              Pair{"QueryAnchored", "1"},
                              Pair{"QueryAnchoredNoIdentities", "2"},
                              Pair{"FlatQueryAnchored", "3"},
                              Pair{"FlatQueryAnchoredNoIdentities", "4"},
                              Pair{"Tabular", "7"}};
  constexpr std::array kTypes{Pair{"XML", "5"},      Pair{"XML2", "16"},    Pair{"XML2_S", "16"},
                              Pair{"JSON2", "15"},   Pair{"JSON2_S", "15"}, Pair{"Tabular", "7"},
                              Pair{"CSV", "10"},     Pair{"ASN.1", "8"},    Pair{"SAM", "17"},
                              Pair{"Archive", "11"}, Pair{"HTML", ""},      Pair{"Text", "0"}};
  const auto is = [](const std::string& text) {
    return [&text](const Pair& pair) { return iequals(pair.ncbi, text); };
  };
  const auto known_view = std::ranges::find_if(kViews, is(view));
  if (!view.empty() && known_view == kViews.end())
    return wrong("ALIGNMENT_VIEW", "ALIGNMENT_VIEW={} is none that is known here", view.substr(0, 80));
  if (type.empty()) return view.empty() ? std::move(otherwise) : std::string(known_view->ours);
  if (iequals(type, "Text") && !view.empty()) return std::string(known_view->ours);
  const auto known_type = std::ranges::find_if(kTypes, is(type));
  if (known_type == kTypes.end())
    return wrong(
        "FORMAT_TYPE",
        "FORMAT_TYPE={} is none of HTML, Text, XML, XML2, XML2_S, JSON2, JSON2_S, Tabular, CSV, ASN.1, SAM "
        "and Archive",
        type.substr(0, 80));
  const bool same = view.empty() || known_view->ours == "0" || known_view->ours == known_type->ours;
  if (!same)
    return wrong("ALIGNMENT_VIEW", "ALIGNMENT_VIEW={} goes with FORMAT_TYPE=Text, not {}", view, type);
  return std::string(known_type->ours);
}

Parsed<std::string> ncbi_get_outfmt(const http::Pairs& parameters, const blast::Options& searched) {
  const auto known = check_names(parameters, false);
  if (!known) return tl::unexpected(known.error());
  auto outfmt = ncbi_outfmt(parameters, "");
  if (!outfmt || !is_text(*outfmt)) return outfmt;
  // What BLAST+ keeps and shows unless told otherwise.
  constexpr std::int64_t kKept = 500;
  constexpr std::int64_t kAligned = 250;
  const auto number = [&searched](const char* name, std::int64_t otherwise) {
    const auto* entry = searched.find(name);
    return entry == nullptr ? otherwise : std::get<std::int64_t>(entry->value);
  };
  const std::int64_t kept = number("max_target_seqs", kKept);
  for (const auto& [name, option, most] :
       {std::tuple{"DESCRIPTIONS", "num_descriptions", kKept}, {"ALIGNMENTS", "num_alignments", kAligned}}) {
    const std::string text = ncbi_value(parameters, name);
    if (text.empty()) continue;
    const auto asked = number_of<std::int64_t>(text);
    if (!asked || *asked < 0) return wrong(name, "{} must be a number, not '{}'", name, text.substr(0, 80));
    const std::int64_t shown = number(option, number("max_target_seqs", most));
    if (std::min(*asked, kept) != std::min(shown, kept))
      return wrong(name, "{}={}: the search was made for {}; give it to CMD=Put, with FORMAT_TYPE=Text", name,
                   *asked, shown);
  }
  return outfmt;
}

Parsed<NcbiSearch> parse_ncbi_put(const http::Pairs& parameters) {
  const auto known = check_names(parameters, true);
  if (!known) return tl::unexpected(known.error());
  const auto program = engine_of(parameters);
  if (!program) return tl::unexpected(program.error());
  NcbiSearch search;
  search.request.program = *program;
  search.request.database = ncbi_value(parameters, "DATABASE");
  if (search.request.database.empty()) return wrong("DATABASE", "DATABASE is missing");
  search.query = ncbi_value(parameters, "QUERY");
  if (search.query.empty()) return wrong("QUERY", "QUERY is missing: send FASTA text");
  const auto sequences = check_query(search.query);
  if (!sequences) return tl::unexpected(sequences.error());
  const auto task = check_task(parameters, *program);
  if (!task) return tl::unexpected(task.error());
  search.query += '\n';
  search.request.title = ncbi_value(parameters, "JOB_TITLE");
  auto outfmt = ncbi_outfmt(parameters, "5");
  if (!outfmt) return tl::unexpected(outfmt.error());
  if (outfmt->empty()) *outfmt = "5";
  Options& options = search.request.options;
  options.emplace_back("outfmt", *outfmt);
  add_task(parameters, search);
  for (const auto& [name, option] : kSame)
    if (std::string value = ncbi_value(parameters, name); !value.empty())
      options.emplace_back(option, std::move(value));
  add_hit_limit(parameters, *outfmt, options);
  for (const auto& added : {add_filter(ncbi_value(parameters, "FILTER"), *program, options),
                            add_gap_costs(ncbi_value(parameters, "GAPCOSTS"), options),
                            add_organisms(ncbi_value(parameters, "ENTREZ_QUERY"), search.request),
                            add_location(parameters, options), add_flags(parameters, options)})
    if (!added) return tl::unexpected(added.error());
  return search;
}

}  // namespace loom::api
