#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blast/options.hpp"
#include "blast/outfmt.hpp"
#include "search/query_file.hpp"
#include "sequence/byte_source.hpp"
#include "sequence/fasta_reader.hpp"

namespace loom::search {

/// Only outputs, and query sets, of at most as many bytes are taken apart.
inline constexpr std::uint64_t kMostPartedBytes = std::uint64_t{16} << 20U;

/// What an engine run writes about each query of a part, under the name kPartName.
using PartRows = std::vector<std::string>;
inline constexpr std::string_view kPartName = "r1";

/// The rows of the part with these letters (Part::letters), if an earlier search with the same options and
/// database wrote them.
using FindPart = std::function<std::optional<PartRows>(const std::string& letters)>;

/// How a query set is cut into parts (doc/exactness.md, "Searches asked again").
struct PartRule {
  blast::Program program;
  blast::OutFormat format{};  ///< one whose rows_begin_with_name
  bool case_matters = false;
  std::uint64_t unit_letters = 0;   ///< a part takes queries until it holds as many; 0: each query is a part
  std::string kind{};               ///< parts of different kinds are never the same
  std::uint64_t least_letters = 0;  ///< of what is searched beside known parts, unless that is nothing
};

/// nullopt where no part of a set of so many queries and letters may be answered for itself: the format is
/// not 6, 7 or 10, the program is psiblast or deltablast, an option cuts across queries, the user has a
/// BATCH_SIZE of his own, there are more
/// letters than kMostPartedBytes.
std::optional<PartRule> part_rule(const blast::Options& options, std::uint64_t queries,
                                  std::uint64_t letters);

/// Queries that the engine searches together, whatever stands around them.
struct Part {
  struct Query {
    std::string id;
    std::string title;
    std::uint64_t letters = 0;
  };
  std::vector<Query> queries;
  std::string letters;  ///< the rule's kind and the letters of each query: all that tells parts apart
};

/// Reads a query set part by part. Memory: one part. One thread at a time.
class PartReader {
 public:
  /// Borrows `source`.
  PartReader(sequence::ByteSource& source, const PartRule& rule)
      : rule_(rule), reader_(source, alphabet_of(rule.program)) {}
  /// nullopt at the end, or at what cannot be told apart: a query with an odd name or none, or without
  /// letters. Errors: those of reading.
  Result<std::optional<Part>> next();
  /// At the end: whether all queries were fit for parts.
  [[nodiscard]] bool plain() const { return plain_ && reader_.unsplittable().empty(); }

 private:
  const PartRule& rule_;
  sequence::FastaReader reader_;
  bool plain_ = true;
};

/// The output of a search all of whose parts are known, as a run of the engine writes it; nullopt if one is
/// not, or it would be longer than kMostPartedBytes. Errors: those of reading.
Result<std::optional<std::string>> output_of_parts(sequence::ByteSource& queries, const PartRule& rule,
                                                   const FindPart& find);

/// `output`, taken apart: for each part of `queries` its letters and rows. Left out are parts with a query
/// that the engine said something about in `messages`; empty when something was said about none, when two
/// queries have one name, or when the output does not fit the queries. Errors: those of reading.
Result<std::vector<std::pair<std::string, PartRows>>> parts_of_output(sequence::ByteSource& queries,
                                                                      const PartRule& rule,
                                                                      std::string_view output,
                                                                      std::string_view messages);

/// Of each record of a query set, where the rows about it stand, if they are known.
struct KnownRows {
  struct Place {
    bool known = false;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };
  std::filesystem::path rows{};  ///< all rows, under the name kPartName
  std::vector<Place> of_record{};
  std::uint64_t records = 0;  ///< that are known
};

/// The sentence of a plan that leaves so many queries out.
std::string known_queries_told(std::uint64_t known, std::uint64_t queries);

/// Asks for each part of `queries` and keeps in `folder` what is known, so that load_known() finds the same
/// whatever happens to its source. nullopt if nothing is known, or everything. Errors: those of reading and
/// writing.
Result<std::optional<KnownRows>> find_known(const QueryFile& queries, const PartRule& rule,
                                            const FindPart& find, const std::filesystem::path& folder);
/// What find_known() kept in `folder`. Errors: corrupt when it does not fit `queries`.
Result<std::optional<KnownRows>> load_known(const QueryFile& queries, const std::filesystem::path& folder);

}  // namespace loom::search
