#include "sched/warmth.hpp"

#include "catalog/residency.hpp"

namespace loom::sched {

namespace {

bool is_warm(const JobSpec& spec) {
  const auto database = open_job_database(spec);
  if (!database) return false;
  const auto residency = catalog::residency(*database);
  return residency && static_cast<double>(residency->resident_bytes) >=
                          Warmth::kWarm * static_cast<double>(residency->bytes);
}

}  // namespace

void Warmth::look(std::uint64_t number, const JobSpec& spec, Instant now) {
  {
    const MutexLock lock(mutex_);
    const auto known = seen_.find(number);
    if (known != seen_.end() && now - known->second.at < kFresh) return;
    seen_[number].at = now;  // others need not look while this one does
  }
  const bool warm = is_warm(spec);
  const MutexLock lock(mutex_);
  seen_[number].warm = warm;
}

bool Warmth::warm(std::uint64_t number) const {
  const MutexLock lock(mutex_);
  const auto known = seen_.find(number);
  return known != seen_.end() && known->second.warm;
}

}  // namespace loom::sched
