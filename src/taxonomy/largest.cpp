#include "taxonomy/largest.hpp"

#include <algorithm>
#include <utility>

namespace loom::taxonomy {

bool Largest::before(std::uint32_t a, std::uint32_t b) const {
  return std::pair(names_[b].size, a) < std::pair(names_[a].size, b);
}

/// Whether a name of this size at this place would be among the kept.
bool Largest::could_enter(std::uint32_t size, std::size_t place) const {
  if (kept_.size() < most_) return true;
  if (kept_.empty()) return false;
  const layout::Name& last = names_[kept_.back()];
  return size > last.size || (size == last.size && place < kept_.back());
}

void Largest::offer(std::size_t place) {
  const auto name = static_cast<std::uint32_t>(place);
  if (!could_enter(names_[name].size, place)) return;
  const auto same = std::ranges::find(kept_, names_[name].node, [&](auto kept) { return names_[kept].node; });
  if (same != kept_.end()) {
    *same = std::min(*same, name);
    std::ranges::sort(kept_, [&](auto a, auto b) { return before(a, b); });
    return;
  }
  kept_.insert(std::ranges::upper_bound(kept_, name, [&](auto a, auto b) { return before(a, b); }), name);
  if (kept_.size() > most_) kept_.pop_back();
}

void Largest::offer(std::size_t begin, std::size_t end, std::span<const layout::BlockSize> blocks) {
  if (begin >= end) return;
  struct Block {
    std::uint32_t size;
    std::size_t number;
    // std::*_heap keeps the greatest in front: the largest, and of equal ones the first.
    bool operator<(const Block& other) const {
      return std::pair(size, other.number) < std::pair(other.size, number);
    }
  };
  std::vector<Block> heap;
  for (std::size_t number = begin / layout::kBlockNames; number * layout::kBlockNames < end; ++number)
    heap.push_back({.size = blocks[number], .number = number});
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty()) {
    const Block block = heap.front();
    const std::size_t first = std::max(begin, block.number * layout::kBlockNames);
    if (!could_enter(block.size, first)) return;  // nor could any of those behind
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
    const std::size_t last = std::min(end, (block.number + 1) * layout::kBlockNames);
    for (std::size_t place = first; place < last; ++place) offer(place);
  }
}

std::vector<std::uint32_t> Largest::take() {
  return std::exchange(kept_, {});
}

}  // namespace loom::taxonomy
