#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "exec/process_runner.hpp"
#include "service/databases.hpp"
#include "service/title_index.hpp"

namespace loom::service {

/// One sequence, or a part of it. Letters count from 1; both ends belong to the part.
struct SequencePart {
  std::string id;          ///< as the database knows it
  std::uint32_t from = 0;  ///< 0: from its first letter
  std::uint32_t to = 0;    ///< 0: to its last
  bool minus = false;      ///< the other strand, of a nucleotide sequence
};

struct SequenceRequest {
  std::vector<SequencePart> parts;
  std::uint32_t flank = 0;    ///< letters more on both sides of each part, as far as there are some
  bool skip_missing = false;  ///< else an id that is not there is an error
};

inline constexpr std::size_t kMostParts = 100'000;
inline constexpr std::uint64_t kMostSequenceLetters = std::uint64_t{4} << 30U;

/// "ID", "ID FROM-TO", "ID plus" or "ID FROM-TO minus", one in each line, as in a file for blastdbcmd's
/// -entry_batch; FROM or TO may be left out. Empty lines do not count. Errors: invalid_argument with the
/// line's number; too_large past kMostParts.
Result<std::vector<SequencePart>> parse_sequence_parts(std::string_view text);

/// FASTA text, and what was not found.
struct FetchedSequences {
  Fd text;  ///< to be read from its start; the file is gone with it
  std::uint64_t bytes = 0;
  std::vector<std::string> missing;  ///< ids, in order
};

/// What blastdbcmd writes for the parts, in their order. Everything is looked up before anything is written:
/// ids that are not there and parts outside of their sequence are found first. `scratch`: a folder for files
/// that nobody sees. Blocking: on disk, and on blastdbcmd. Thread-safe. Errors: not_found with the missing
/// ids; invalid_argument for a part outside, for the minus strand of a protein, and for a database made
/// without -parse_seqids (fetch_by_title is for those); too_large past kMostSequenceLetters; timed_out,
/// cancelled, disk_full.
Result<FetchedSequences> fetch_sequences(exec::ProcessRunner& runner, const OpenDatabase& database,
                                         const SequenceRequest& request, const std::filesystem::path& scratch,
                                         Deadline deadline, std::stop_token stop = {});

/// The same of a database without ids, by the first words of the titles, as reports call its sequences; of
/// several with that word the first. `titles` are that database's. Errors: as fetch_sequences;
/// invalid_argument when no part of the database can be chosen (Database::unshardable).
Result<FetchedSequences> fetch_by_title(exec::ProcessRunner& runner, const OpenDatabase& database,
                                        const TitleIndex& titles, const SequenceRequest& request,
                                        const std::filesystem::path& scratch, Deadline deadline,
                                        std::stop_token stop = {});

/// Sequences out of any database: by ids where it has them, else by titles, whose indexes it keeps.
/// Thread-safe. Blocking: as what it calls.
class SequenceReader {
 public:
  /// `runner` is borrowed; `scratch` is a folder for files that nobody sees.
  SequenceReader(exec::ProcessRunner& runner, std::filesystem::path scratch)
      : runner_(runner), scratch_(std::move(scratch)), titles_(runner) {}

  /// As fetch_sequences or fetch_by_title. `version` tells one state of one database from all others.
  Result<FetchedSequences> fetch(const std::string& version, const OpenDatabase& database,
                                 const SequenceRequest& request, Deadline deadline,
                                 std::stop_token stop = {});

 private:
  exec::ProcessRunner& runner_;
  const std::filesystem::path scratch_;
  TitleIndexes titles_;
};

// What both share.

/// A part's letters and its flanks, as far as there are some.
struct Range {
  std::uint32_t first = 1;
  std::uint32_t last = 0;
};
/// Errors: invalid_argument when it is not of a sequence of so many letters.
Result<Range> range_of(const SequencePart& part, std::uint32_t letters, std::uint32_t flank);
/// invalid_argument for no part, and for the minus strand of a protein.
Status check_parts(const SequenceRequest& request, blast::Molecule molecule);
/// too_large past kMostSequenceLetters.
Status check_total(std::uint64_t letters);
/// not_found, which names some of `missing`.
Error missing_error(const std::vector<std::string>& missing, const std::string& database);

}  // namespace loom::service
