#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "sequence/byte_source.hpp"

namespace loom::sequence {

/// Bytes that are in memory already; borrowed, they must outlive the source. Gives at most `chunk_bytes`
/// (over 0) at a time. Never fails.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes, std::size_t chunk_bytes = std::string_view::npos)
      : rest_(bytes), chunk_bytes_(chunk_bytes) {}

  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t count = rest_.copy(into.data(), std::min(into.size(), chunk_bytes_));
    rest_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view rest_;
  std::size_t chunk_bytes_;
};

}  // namespace loom::sequence
