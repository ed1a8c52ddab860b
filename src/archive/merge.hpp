#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/reader.hpp"
#include "archive/stream.hpp"
#include "base/result.hpp"

namespace loom::archive {

/// The -outfmt 11 output of one database shard.
struct Shard {
  Pull pull;
  std::string name;  ///< for messages: a path, or "shard 3"
};

struct MergeSpec {
  /// How many subjects a query keeps: -max_target_seqs.
  std::size_t max_subjects = 500;
  /// The OID in the whole database of a subject whose id does not say it. Without it, the shards must come in
  /// ascending order of OIDs.
  std::function<Result<std::uint64_t>(const SeqId&)> oid_of;
  /// What the merged archive names as its database; else what the first shard's does.
  std::optional<std::string> database;
};

/// What a merge saw, per query, in order: for the caller who must know whether a shard's list was full.
struct MergedQuery {
  std::size_t subjects = 0;  ///< found in all shards
  std::size_t kept = 0;      ///< written
  /// Subjects of two shards have the same E-value in the 15 digits that an archive holds, but may differ in
  /// those that the engine ranked them by: their order is a guess. Sum statistics only, as a rule.
  bool uncertain = false;
};

/// Writes one archive file out of those of several shards of one database, all searched with the same
/// queries and options and with the statistics of the whole. Per query, subjects come in the order in which
/// one search of the whole database prints them (s_EvalueCompareHSPLists in BLAST's blast_hits.c): by best
/// E-value, where all below 1e-180 are equal, then by score of the first HSP, descending, then by OID,
/// descending. The alignments' text is copied; all else is the first shard's.
/// Memory: per shard what a Reader takes, and one query's alignments. Thread-safety: none. Blocking: as the
/// streams do.
/// Errors: invalid_argument when there is no shard; conflict when a subject comes twice (names it and the
/// shards: the engine's fault with threads over an OID range, or shards that overlap) or two queries have one
/// name; corrupt when a shard
/// is not an archive, is cut short, or has other queries or batches than the first; those of the streams and
/// oid_of. What was written by then is of no use.
Result<std::vector<MergedQuery>> merge_shards(std::vector<Shard> shards, const MergeSpec& spec,
                                              const Write& write);

}  // namespace loom::archive
