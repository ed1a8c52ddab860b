#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blast/options.hpp"
#include "blast/outfmt.hpp"
#include "render/part_text.hpp"
#include "render/sink.hpp"
#include "search/parts.hpp"
#include "search/query_file.hpp"
#include "sequence/fasta_reader.hpp"

namespace loom::search {

/// Queries with the same letters (amplicon reads) are searched once and written out for each; those whose
/// rows are known are not searched at all.
struct Repeats {
  std::vector<std::uint32_t>
      distinct_of;             ///< for each record, which of the distinct ones it is, or kKnown; 4 bytes each
  std::uint64_t distinct = 0;  ///< records of the file of distinct ones, called r1, r2, …
  KnownRows known{};           ///< of none, or of each record
  static constexpr std::uint32_t kKnown = 0xFFFFFFFF;
  /// What the engine said about a distinct one: what stands before and behind "Query_1 r1".
  std::map<std::uint32_t, std::vector<std::pair<std::string, std::string>>> said;
};

/// Whether the engine prints this query's name and title as they are, and it has letters.
bool plain_query(const sequence::Record& record);

/// The title of a plain_query, as the engine prints it.
std::string_view shown_title(const sequence::Record& record);

/// The record as number `number` (from 0) of a file of distinct ones: ">r1" and its letters.
std::string renamed(const sequence::Record& record, std::uint64_t number);

/// Keeps in `repeats.said` the lines of `text` that are about a query; the others.
std::string take_messages(Repeats& repeats, std::string_view text);

/// Below this the distinct queries alone would make blastn choose other lookup tables (doc/exactness.md).
inline constexpr std::uint64_t kLeastRepeatLetters = 10'000;

/// Whether the format is 6, 7 or 10, and its rows name the query in front and nowhere else.
bool rows_begin_with_name(const blast::Options& options, const blast::OutFormat& format);

/// The lines about one query with another name and title in them; the format must be one whose
/// rows_begin_with_name.
std::string named(std::string_view lines, std::string_view id, std::string_view title,
                  const blast::OutFormat& format);

// How comments of format 7 begin: the first about a query, the one with its title, and the last of all.
std::string first_comment(blast::Program program);
inline constexpr std::string_view kQueryLine = "# Query: ";
inline constexpr std::string_view kProcessed = "# BLAST processed ";

/// What stands behind the lines of all `queries` in such a format; may be empty.
std::string end_of_output(const blast::OutFormat& format, std::uint64_t queries);

/// Whether writing out can be exact: a blastn search (what blastp finds depends on its batches) whose
/// rows_begin_with_name.
bool repeats_allowed(const blast::Options& options, const blast::OutFormat& format);

/// Looks for repeats in `queries`. If at least a third of the letters are, and no name is odd, writes the
/// distinct records to `target` and says which is which; else nullopt. Memory: 36 bytes per distinct record
/// and 4 per record. Blocking: reads all queries. Errors: those of reading and writing.
Result<std::optional<Repeats>> find_repeats(const QueryFile& queries, blast::Program program,
                                            bool case_matters, const std::filesystem::path& target);

/// Writes the records of `queries` that are not known to `target`, and says which is which. Memory: 4 bytes
/// per record. Blocking: reads all queries. Errors: those of reading and writing.
Result<Repeats> leave_out_known(const QueryFile& queries, blast::Program program, KnownRows known,
                                const std::filesystem::path& target);

/// The output of a run over distinct queries, taken apart. Memory: 16 bytes per query. Thread-safe.
class DistinctOutput {
 public:
  /// `answer` is in `format`, one whose rows_begin_with_name. Blocking: reads it once. Errors: corrupt if it
  /// does not fit.
  static Result<DistinctOutput> open(const std::filesystem::path& answer, blast::Program program,
                                     const blast::OutFormat& format, std::uint64_t distinct);
  /// All lines about query `number`, from 0, under its true name and title.
  [[nodiscard]] Result<std::string> of(std::uint32_t number, std::string_view id,
                                       std::string_view title) const;

 private:
  /// The rows of a distinct query.
  struct Block {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };
  DistinctOutput(blast::OutFormat format, std::vector<Block> blocks, render::RangeReader bytes)
      : format_(std::move(format)), blocks_(std::move(blocks)), bytes_(std::move(bytes)) {}
  static Result<std::vector<Block>> find_blocks(const std::filesystem::path& answer, blast::Program program,
                                                const blast::OutFormat& format, std::uint64_t distinct);

  blast::OutFormat format_;
  std::vector<Block> blocks_;
  render::RangeReader bytes_;
};

/// Writes the output of the distinct queries, `answer`, out for all of `queries` to `out`. Memory: 16 bytes
/// per distinct record. `tell` is given each message, with the query's true number and title. Errors: corrupt
/// if `answer` does not fit; those of reading and writing.
Status write_for_each(const Repeats& repeats, const QueryFile& queries, blast::Program program,
                      const std::filesystem::path& answer, const blast::OutFormat& format, render::Sink& out,
                      const std::function<void(std::string_view line)>& tell);

}  // namespace loom::search
