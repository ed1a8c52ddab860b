#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sequence/byte_source.hpp"
#include "sequence/fasta_reader.hpp"

namespace loom::sequence {

/// How many letters BLAST+ 2.12 gathers before it searches them together (the environment variable BATCH_SIZE
/// overrides it for every program). nullopt for blastn, whose batches depend on the hits of the batch before
/// (the first takes 5,000 letters, or a 600,000th of the database's letters if that is more), and for an
/// unknown program.
std::optional<std::uint32_t> internal_batch_letters(std::string_view program);

/// A run of consecutive records that are searched together, in one go or not at all: one internal batch of
/// BLAST+, so that a task made of whole units meets exactly the batches that an unsplit run has.
struct Unit {
  std::uint64_t first_record = 0;  ///< ordinal
  std::uint64_t records = 0;
  std::uint64_t letters = 0;
  std::uint64_t offset = 0;      ///< of its first byte in the (unpacked) input
  std::uint64_t bytes = 0;       ///< of its records, as they stand in the input
  std::uint64_t first_line = 1;  ///< of its first byte in the input, from 1
};

/// What one pass over a query file learns. Memory: 48 bytes per unit.
struct QueryMap {
  std::vector<Unit> units;
  std::uint64_t records = 0;
  std::uint64_t letters = 0;
  std::uint64_t unnamed_records = 0;  ///< whose defline has no first word: BLAST+ calls them Query_<n>
  std::uint64_t empty_records = 0;    ///< without letters
  bool ascii_titles = true;           ///< names included
  std::string why_not_splittable;     ///< a clause that names the line; empty if the units may be cut apart
};

/// Reads all of `source` and cuts it where BLAST+ does when it gathers `unit_letters` letters at a time: a
/// unit takes records until it holds that many or more, so the record that reaches the size is its last one,
/// however long. Records without letters count nothing: after the size is reached they open the next unit.
/// A run that starts at a unit's first record has the same units from there on.
/// Errors: those of FastaReader::next; too_large for a query over 4,294,967,295 letters.
Result<QueryMap> map_queries(ByteSource& source, Alphabet alphabet, std::uint64_t unit_letters);

/// Joins the last unit to the one before if it holds fewer than `letters`.
void join_short_end(QueryMap& map, std::uint64_t letters);

}  // namespace loom::sequence
