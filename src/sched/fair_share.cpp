#include "sched/fair_share.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace loom::sched {

namespace {

bool fits(const Candidate& one, const Room& room) {
  if (room.idle) return true;
  if (one.threads > room.cores_free) return false;
  return one.database == 0 || room.read->contains(one.database) || one.database_bytes <= room.memory_free;
}

bool waited_long(const Candidate& one, Instant now) {
  return now - one.waiting_since >= FairShare::kPatience;
}

std::int64_t aged(const Candidate& one, Instant now) {
  return one.priority + (now - one.waiting_since) / FairShare::kAgeing;
}

}  // namespace

void FairShare::charge(const std::string& owner, double cpu_seconds, Instant now) {
  Use& use = uses_[owner];
  use.cpu_seconds = std::max(
      0.0, use.cpu_seconds * std::exp2(-seconds_of(now - use.at) / seconds_of(kHalfLife)) + cpu_seconds);
  use.at = now;
}

double FairShare::used(std::string_view owner, Instant now) const {
  const auto use = uses_.find(owner);
  if (use == uses_.end()) return 0;
  const auto weight = weights_.find(owner);
  const double decayed =
      use->second.cpu_seconds * std::exp2(-seconds_of(now - use->second.at) / seconds_of(kHalfLife));
  return decayed / (weight == weights_.end() ? 1.0 : weight->second);
}

/// 0 below kSmall, and one more each time that twice as much was served.
int FairShare::level(double served) {
  return served < kSmall ? 0 : 1 + std::ilogb(served / kSmall);
}

bool FairShare::before(const Candidate& a, const Candidate& b, Instant now) const {
  if (*a.owner != *b.owner) {
    const double mine = used(*a.owner, now);
    const double theirs = used(*b.owner, now);
    if (mine != theirs) return mine < theirs;
  } else if (a.finishes != b.finishes) {
    return a.finishes;
  } else if (aged(a, now) != aged(b, now)) {
    return aged(a, now) > aged(b, now);
  } else if (level(a.served) != level(b.served)) {
    return level(a.served) < level(b.served);
  } else if (a.warm != b.warm) {
    return a.warm;
  }
  return a.number < b.number;
}

std::optional<std::size_t> FairShare::next(std::span<const Candidate> candidates, const Room& room,
                                           Instant now) const {
  std::optional<std::size_t> best;
  std::optional<std::size_t> patient;  // the first that would not fit and has waited long enough
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& one = candidates[i];
    if (fits(one, room)) {
      if (!best || before(one, candidates[*best], now)) best = i;
    } else if (waited_long(one, now)) {
      if (!patient || before(one, candidates[*patient], now)) patient = i;
    }
  }
  if (patient && (!best || before(candidates[*patient], candidates[*best], now))) return std::nullopt;
  return best;
}

bool FairShare::any_waited_long(std::span<const Candidate> candidates, const Room& room, Instant now) {
  return std::ranges::any_of(candidates,
                             [&](const Candidate& one) { return !fits(one, room) && waited_long(one, now); });
}

}  // namespace loom::sched
