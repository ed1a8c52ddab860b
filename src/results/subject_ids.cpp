#include "results/subject_ids.hpp"

#include <xxhash.h>

#include <utility>

namespace loom::results {

namespace {
constexpr std::size_t kMostSlots = std::size_t{1} << 22U;
}

std::optional<std::uint32_t> SubjectIds::find_or_add(std::string_view text, std::uint32_t fresh) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  const auto more = static_cast<std::uint32_t>(hash.high64);
  Slot* slot = &place(hash.low64, more);
  if (slot->id != 0) return slot->id;
  if (used_ * 5 >= slots_.size() * 4) {
    if (slots_.size() == kMostSlots) return std::nullopt;
    grow();
    slot = &place(hash.low64, more);
  }
  *slot = {hash.low64, more, fresh};
  ++used_;
  return std::nullopt;
}

SubjectIds::Slot& SubjectIds::place(std::uint64_t hash, std::uint32_t more) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].id != 0 && (slots_[at].hash != hash || slots_[at].more != more)) at = (at + 1) & mask;
  return slots_[at];
}

void SubjectIds::grow() {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : old)
    if (slot.id != 0) place(slot.hash, slot.more) = slot;
}

}  // namespace loom::results
