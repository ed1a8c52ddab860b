#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace loom::results {

/// Numbers of the subjects seen so far, by 96 bits of a hash of all that is told of them: 16 bytes each at
/// 80 % load, doubled as they come.
class SubjectIds {
 public:
  /// The number of `text`, or nullopt after keeping `fresh` for it. Past the bound nothing more is kept.
  std::optional<std::uint32_t> find_or_add(std::string_view text, std::uint32_t fresh);

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t more = 0;
    std::uint32_t id = 0;  ///< 0: free
  };
  Slot& place(std::uint64_t hash, std::uint32_t more);
  void grow();

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::size_t used_ = 0;
};

}  // namespace loom::results
