#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "results/hit_index.hpp"

namespace loom::results {

/// Which HSPs are wanted, in which order.
struct RowsRequest {
  PageRequest rows{};                   ///< filter, query, sort and alignments
  std::vector<std::int64_t> hits{};     ///< of these hits only, in this order; empty: of all
  std::optional<std::uint64_t> most{};  ///< no more than that
};

/// The HSPs of an index, some hundred at a time, in constant memory. One thread at a time. Blocking: on disk.
class HspRows {
 public:
  /// Errors: invalid_argument for a request that pages refuse; said now, not by next().
  static Result<HspRows> make(std::shared_ptr<HitIndex> index, RowsRequest request);
  /// The next ones; empty at the end. Errors: those of HitIndex::hsps.
  Result<std::vector<HspRow>> next(Deadline deadline);
  /// From the first one again.
  void rewind();
  [[nodiscard]] HitIndex& index() const { return *index_; }

 private:
  HspRows(std::shared_ptr<HitIndex> index, RowsRequest request)
      : index_(std::move(index)), request_(std::move(request)) {}

  std::shared_ptr<HitIndex> index_;
  RowsRequest request_;
  std::size_t next_hit_ = 0;
  std::uint64_t given_ = 0;
  bool ended_ = false;
};

}  // namespace loom::results
