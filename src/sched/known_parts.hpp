#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "search/parts.hpp"
#include "store/text_cache.hpp"

namespace loom::sched {

/// Parts of query sets that were searched, with the rows found about them (doc/formats/reuse.md).
/// Thread-safe. Blocking: on disk.
class KnownParts {
 public:
  /// `most_bytes` of rows; 0: nothing is kept.
  KnownParts(std::filesystem::path file, std::uint64_t most_bytes) : cache_(std::move(file), most_bytes) {}

  /// The rows of the part with these letters, searched in `surroundings` (surroundings_of, or a digest of
  /// it).
  std::optional<search::PartRows> find(std::string_view surroundings, std::string_view letters);
  /// Letters and rows of parts.
  void keep(std::string_view surroundings,
            const std::vector<std::pair<std::string, search::PartRows>>& parts);
  [[nodiscard]] store::TextCache::Counts counts() const { return cache_.counts(); }

 private:
  store::TextCache cache_;
};

}  // namespace loom::sched
