#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "blast/options.hpp"
#include "blast/program.hpp"
#include "sequence/query_map.hpp"

namespace loom::search {

/// blastn's internal batches adapt to what it finds (the first takes 5,000 letters), so there are no places
/// to cut at that an unsplit run is sure to have. But below some thousand letters it takes other lookup
/// tables, which find a little less; above, results were equal wherever we cut (doc/exactness.md). So its
/// units stay well above.
inline constexpr std::uint64_t kBlastnUnitLetters = 50'000;

/// The user's own BATCH_SIZE, which the engine obeys and so do we.
std::optional<std::uint64_t> batch_size_of_user();

/// Says which option but -query names standard input, a pipe or a descriptor: only one process, which has our
/// descriptors, can read it. Empty: none does.
std::string read_once_because(const blast::Options& options);

/// What the queries of `program` are written in.
sequence::Alphabet alphabet_of(blast::Program program);

/// The queries of a search as one plain file that can be read at any place, and where it may be cut.
struct QueryFile {
  std::filesystem::path path;
  sequence::QueryMap map;
};

/// Opens `query` (a path; "-" is standard input). A regular, uncompressed file is used where it lies and must
/// not change during the search; anything else (pipe, standard input, gzip) is unpacked into `scratch` first.
/// `unit_letters` as for map_queries. Memory: constant. Blocking: reads all of it.
/// Errors: not_found, and those of map_queries; disk_full.
Result<QueryFile> open_queries(const std::string& query, blast::Program program, std::uint64_t unit_letters,
                               const std::filesystem::path& scratch);

/// Writes units [first, last) as a query file of their own at `path`.
Status write_units(const QueryFile& queries, std::size_t first, std::size_t last,
                   const std::filesystem::path& path);

}  // namespace loom::search
