#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "taxonomy/layout.hpp"

namespace loom::taxonomy {

/// Keeps the names of the `most` largest taxa among those offered, each taxon once, by its first name. Order:
/// larger subtrees first, then the place of the name. Private to the room.
class Largest {
 public:
  Largest(std::span<const layout::Name> names, std::size_t most) : names_(names), most_(most) {}

  /// The name at this place.
  void offer(std::size_t place);

  /// The names at [begin, end). `blocks`: the largest of each kBlockNames names, so that of a million names
  /// only few are looked at: blocks are taken by their largest, until none can have a larger one.
  void offer(std::size_t begin, std::size_t end, std::span<const layout::BlockSize> blocks);

  /// Places of names, in order.
  [[nodiscard]] std::vector<std::uint32_t> take();

 private:
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const;
  [[nodiscard]] bool could_enter(std::uint32_t size, std::size_t place) const;

  std::span<const layout::Name> names_;
  std::size_t most_;
  std::vector<std::uint32_t> kept_;  // in order
};

}  // namespace loom::taxonomy
