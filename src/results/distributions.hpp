#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "results/hit_index.hpp"

namespace loom::results {

/// Counts in equal steps: bin i holds what is at least from + i * step and below from + (i + 1) * step; the
/// last one holds its upper end too.
struct Distribution {
  double from = 0;
  double step = 1;
  std::vector<std::uint64_t> hits{};
  std::vector<std::uint64_t> passed{};  ///< of those, the ones that the filter allows

  /// From `low` to `high`, rounded out, in about 20 steps of 1, 2 or 5 times a power of ten.
  static Distribution between(double low, double high);
  void add(double value, bool passes);
};

/// How the hits of one query are spread. What the output did not tell is nullopt, and so is all without hits.
struct Distributions {
  std::optional<Distribution> evalue{};  ///< of -log10, at most 180, which 0 has
  std::optional<Distribution> pident{};
  std::optional<Distribution> length{};
  std::optional<Distribution> coverage{};
};

/// Of the query that `request` names, with what its filter allows. Constant memory. Errors: HitIndex's.
Result<Distributions> distributions(HitIndex& index, const PageRequest& request, Deadline deadline);

}  // namespace loom::results
