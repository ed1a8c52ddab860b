#pragma once
#include <array>
#include <cstdint>
#include <string>

namespace loom::results {

/// How E-values, identities and alignment lengths of HSPs are spread.
class Histograms {
 public:
  void add(double evalue, double pident, std::int64_t length);
  /// {"evalue":[{"from":0,"to":1e-180,"hsps":5}…],"pident":[…],"length":[…]}; `from` counts, `to` does not,
  /// and the last has none. Lengths end with the last bin that holds something.
  [[nodiscard]] std::string json() const;

 private:
  static constexpr std::array kEvalues{0.0,  1e-180, 1e-100, 1e-50, 1e-30, 1e-20, 1e-10,
                                       1e-5, 1e-3,   1e-2,   0.1,   1.0,   10.0};
  static constexpr std::int64_t kIdentityStep = 5;

  std::array<std::uint64_t, kEvalues.size()> evalues_{};
  std::array<std::uint64_t, 100 / kIdentityStep> identities_{};
  std::array<std::uint64_t, 40> lengths_{};  ///< by powers of two
};

}  // namespace loom::results
