#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "service/databases.hpp"
#include "service/query_look.hpp"

namespace loom::service {

/// One way to search. Those that come first are recommended.
struct Recommendation {
  std::string program;
  std::string task;  ///< for option task; empty: the program's own
  std::string database;
  std::vector<std::string> reasons;
  std::vector<std::string> warnings;
};

/// Grows when the rules below change what is recommended.
inline constexpr int kRecommendRules = 1;
inline constexpr std::size_t kMostRecommendations = 10;

/// What there is to search with.
struct SearchPlaces {
  std::vector<DatabaseInfo> databases{};
  std::uint64_t memory_bytes = 0;  ///< for databases; 0: not known
  /// How much of a database is in memory, 0 to 1; may be empty. Asked for those that are recommended.
  std::function<double(const std::string& name)> resident{};
};

/// Programs and databases for a query of `molecule` whose longest sequence has `longest` letters. First the
/// program that compares letter by letter, then those that translate; of their databases first those that are
/// whole, then those that fit into the memory, then the larger. Pure but for `resident`.
std::vector<Recommendation> recommend(blast::Molecule molecule, std::uint64_t longest,
                                      const SearchPlaces& places);

/// The same of `databases` as they are; of the one called `name` only, if that is not empty. Blocking: on
/// disk. Errors: not_found; those of a first scan.
Result<std::vector<Recommendation>> recommend_from(DatabaseList& databases, blast::Molecule molecule,
                                                   std::uint64_t longest, std::uint64_t memory_bytes,
                                                   const std::string& name);

}  // namespace loom::service
