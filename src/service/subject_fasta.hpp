#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "results/hsp_rows.hpp"
#include "service/sequences.hpp"

namespace loom::service {

struct FastaWish {
  bool aligned = false;     ///< only what is aligned of each subject; else all of it
  std::uint32_t flank = 0;  ///< letters more on both sides of what is aligned
  bool strands = false;     ///< subjects are nucleotides: what is aligned on the minus strand is turned round
};

/// The subjects of HSPs as FASTA from their database, a piece at a time: each subject once, or each place
/// with its flanks once. Memory: some bytes for each subject or place. One thread at a time. Blocking: as
/// SequenceReader::fetch.
class SubjectFasta {
 public:
  using Fetch = std::function<Result<FetchedSequences>(const SequenceRequest& request)>;
  SubjectFasta(results::HspRows rows, FastaWish wish, Fetch fetch)
      : rows_(std::move(rows)), wish_(wish), fetch_(std::move(fetch)) {}

  /// The next piece; empty at the end. Errors: those of HspRows::next and fetch.
  Result<std::string> next(Deadline deadline);

 private:
  Result<std::vector<SequencePart>> more_parts(Deadline deadline);
  std::optional<SequencePart> part_of(const results::HspRow& row);

  results::HspRows rows_;
  FastaWish wish_;
  Fetch fetch_;
  std::vector<bool> told_;  // subjects
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t, bool>> places_;
  std::optional<FetchedSequences> fetched_;
};

}  // namespace loom::service
