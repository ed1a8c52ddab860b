#include "service/recommend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "catalog/residency.hpp"

namespace loom::service {

namespace {

using blast::Molecule;
using blast::Program;

/// A program and what speaks for it, the best first for each kind of query.
struct Choice {
  Program program;
  std::string_view reason;
};
constexpr std::array kForProteins{
    Choice{Program::blastp, "blastp compares a protein with proteins, letter by letter"},
    Choice{Program::tblastn,
           "tblastn translates the database: it finds proteins that nobody has annotated yet"}};
constexpr std::array kForNucleotides{
    Choice{Program::blastn, "blastn compares nucleotides letter by letter"},
    Choice{Program::blastx,
           "blastx translates the query: it finds the proteins it codes for, also distant ones"},
    Choice{Program::tblastx, "tblastx translates both: for distant coding sequences; it takes longest"}};

std::span<const Choice> choices(Molecule molecule) {
  return molecule == Molecule::protein ? std::span<const Choice>(kForProteins)
                                       : std::span<const Choice>(kForNucleotides);
}

bool fits(const DatabaseInfo& database, std::uint64_t memory_bytes) {
  return memory_bytes == 0 || database.bytes <= memory_bytes;
}

/// Those that the program searches, the best first.
std::vector<const DatabaseInfo*> databases_for(Program program, const SearchPlaces& places) {
  std::vector<const DatabaseInfo*> found;
  for (const DatabaseInfo& one : places.databases)
    if (one.sequences > 0 && !one.profiles && one.molecule == blast::name(blast::database_kind(program)))
      found.push_back(&one);
  std::ranges::sort(found, [&](const DatabaseInfo* a, const DatabaseInfo* b) {
    if (a->fault.empty() != b->fault.empty()) return a->fault.empty();
    const bool a_fits = fits(*a, places.memory_bytes);
    const bool b_fits = fits(*b, places.memory_bytes);
    if (a_fits != b_fits) return a_fits;
    return a->letters != b->letters ? a->letters > b->letters : a->name < b->name;
  });
  return found;
}

Recommendation explain(const Choice& choice, const DatabaseInfo& database, std::uint64_t longest,
                       const SearchPlaces& places, bool largest) {
  Recommendation one{.program = std::string(blast::name(choice.program)),
                     .task = short_task(choice.program, longest),
                     .database = database.name,
                     .reasons = {std::string(choice.reason)},
                     .warnings = {}};
  if (!one.task.empty())
    one.reasons.push_back(
        fmt::format("at most {} letters: task {} finds what the usual one passes over", longest, one.task));
  one.reasons.push_back(fmt::format("{}: {} sequences, {} letters{}", database.name, database.sequences,
                                    database.letters, largest ? ", the most of those it can search" : ""));
  if (!database.verified.empty() && database.fault.empty())
    one.reasons.push_back("its files were found whole on " + database.verified);
  if (const double part = places.resident ? places.resident(database.name) : 0; part >= 0.01)
    one.reasons.push_back(fmt::format("{:.0f} % of it is in memory already", 100 * part));
  if (!database.fault.empty()) one.warnings.push_back("damaged: " + database.fault);
  if (!fits(database, places.memory_bytes))
    one.warnings.push_back(
        fmt::format("its {} MiB do not fit the {} MiB of memory: it is searched in parts, each read once",
                    database.bytes >> 20U, places.memory_bytes >> 20U));
  return one;
}

}  // namespace

std::vector<Recommendation> recommend(Molecule molecule, std::uint64_t longest, const SearchPlaces& places) {
  std::vector<Recommendation> all;
  for (const Choice& choice : choices(molecule)) {
    const auto databases = databases_for(choice.program, places);
    const auto largest = std::ranges::max_element(databases, {}, &DatabaseInfo::letters);
    for (const DatabaseInfo* database : databases) {
      if (all.size() == kMostRecommendations) return all;
      all.push_back(explain(choice, *database, longest, places, database == *largest));
    }
  }
  return all;
}

Result<std::vector<Recommendation>> recommend_from(DatabaseList& databases, Molecule molecule,
                                                   std::uint64_t longest, std::uint64_t memory_bytes,
                                                   const std::string& name) {
  SearchPlaces places{.memory_bytes = memory_bytes, .resident = [&](const std::string& one) {
                        const auto opened = databases.open(one);
                        const auto now = opened ? catalog::residency(opened->database)
                                                : Result<catalog::Residency>(catalog::Residency{});
                        if (!now || now->bytes == 0) return 0.0;
                        return static_cast<double>(now->resident_bytes) / static_cast<double>(now->bytes);
                      }};
  LOOM_TRY(places.databases, databases.get());
  if (!name.empty()) {
    std::erase_if(places.databases, [&](const DatabaseInfo& one) { return one.name != name; });
    if (places.databases.empty())
      return error(Code::not_found, "there is no database {}; GET /api/blast/databases lists those there are",
                   name.substr(0, 100));
  }
  return recommend(molecule, longest, places);
}

}  // namespace loom::service
