#include "results/distributions.hpp"

#include <algorithm>
#include <cmath>

namespace loom::results {
namespace {

constexpr double kSteps = 20;
constexpr double kGreatestExponent = 180;  // BLAST+ prints 0.0 for what is less
constexpr double kHair = 1e-9;             // what binary fractions are off by

double exponent(double evalue) {
  return evalue > 0 ? std::min(kGreatestExponent, -std::log10(evalue)) : kGreatestExponent;
}

struct Ends {
  double low = 0;
  double high = 0;
  bool any = false;

  void reach(double value) {
    low = any ? std::min(low, value) : value;
    high = any ? std::max(high, value) : value;
    any = true;
  }
};

}  // namespace

Distribution Distribution::between(double low, double high) {
  if (high <= low) high = low + 1;
  const double least = (high - low) / kSteps;
  const double power = std::pow(10, std::floor(std::log10(least)));
  Distribution made{.step = 10 * power};
  for (const double times : {5, 2, 1})
    if (times * power >= least * (1 - kHair)) made.step = times * power;
  const double first = std::floor(low / made.step + kHair);
  const double last = std::max(first + 1, std::ceil(high / made.step - kHair));
  made.from = first * made.step;
  made.hits.resize(static_cast<std::size_t>(last - first));
  made.passed.resize(made.hits.size());
  return made;
}

void Distribution::add(double value, bool passes) {
  const double place = std::floor((value - from) / step + kHair);
  const auto bin = static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(hits.size() - 1)));
  ++hits[bin];
  if (passes) ++passed[bin];
}

Result<Distributions> distributions(HitIndex& index, const PageRequest& request, Deadline deadline) {
  Ends exponents;
  Ends lengths;
  const auto reach = [&](const HitNumbers& hit) {
    exponents.reach(exponent(hit.evalue));
    lengths.reach(static_cast<double>(hit.length));
  };
  LOOM_CHECKED(index.each_number(request, reach, deadline));
  Distributions made;
  if (!exponents.any) return made;
  made.evalue = Distribution::between(exponents.low, exponents.high);
  if (index.holds(Field::pident)) made.pident = Distribution::between(0, 100);
  if (index.holds(Field::length)) made.length = Distribution::between(lengths.low, lengths.high);
  if (index.covers()) made.coverage = Distribution::between(0, 100);
  const auto count = [&](const HitNumbers& hit) {
    made.evalue->add(exponent(hit.evalue), hit.passes);
    if (made.pident) made.pident->add(hit.pident, hit.passes);
    if (made.length) made.length->add(static_cast<double>(hit.length), hit.passes);
    if (made.coverage) made.coverage->add(static_cast<double>(hit.coverage), hit.passes);
  };
  LOOM_CHECKED(index.each_number(request, count, deadline));
  return made;
}

}  // namespace loom::results
