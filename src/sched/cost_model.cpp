#include "sched/cost_model.hpp"

#include <algorithm>
#include <cmath>

namespace loom::sched {

namespace {
constexpr double kLeast = 1e-3;  // seconds: below, start-up noise rules
}

void CostModel::learn(const std::string& kind, double predicted, double actual) {
  if (predicted < kLeast || actual < kLeast) return;
  Known& known = known_[kind];
  const double ratio = actual / predicted;
  if (known.tasks > 0) {
    const double off = std::abs(corrected(kind, predicted) - actual) / actual;
    known.error = known.tasks == 1 ? off : (1 - kNew) * known.error + kNew * off;
    known.ratio = (1 - kNew) * known.ratio + kNew * ratio;
  } else {
    known.ratio = ratio;
  }
  ++known.tasks;
}

double CostModel::corrected(const std::string& kind, double predicted) const {
  const auto known = known_.find(kind);
  return known == known_.end() ? predicted : predicted * known->second.ratio;
}

void CostModel::learn_rate(const std::string& kind, std::uint64_t letters, double actual) {
  if (letters == 0 || actual < kLeast) return;
  const double rate = actual / static_cast<double>(letters);
  const auto [known, fresh] = rates_.try_emplace(kind, rate);
  if (!fresh) known->second = (1 - kNew) * known->second + kNew * rate;
}

std::optional<double> CostModel::seconds_for(const std::string& kind, std::uint64_t letters) const {
  const auto known = rates_.find(kind);
  if (known == rates_.end()) return std::nullopt;
  return known->second * static_cast<double>(letters);
}

std::optional<double> CostModel::error(const std::string& kind) const {
  const auto known = known_.find(kind);
  if (known == known_.end() || known->second.tasks < 2) return std::nullopt;
  return known->second.error;
}

}  // namespace loom::sched
