#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/number.hpp"

namespace loom::archive {

/// Where a scanner stands, as far as it tells a query's id from a subject's: in the lists `ids` and `loc` of
/// an alignment the first element is the query's, and the others are not.
class QueryPlaces {
 public:
  /// A block opens; `pair`: it is a list `ids` or `loc`.
  void open(bool pair) { blocks_.push_back({pair, subject(), 0}); }
  void comma() {
    if (!blocks_.empty()) ++blocks_.back().index;
  }
  void close() {
    if (!blocks_.empty()) blocks_.pop_back();
  }
  /// An id here is not a query's.
  [[nodiscard]] bool subject() const {
    return !blocks_.empty() && (blocks_.back().subject || (blocks_.back().pair && blocks_.back().index > 0));
  }

 private:
  struct Block {
    bool pair;
    bool subject;
    std::size_t index;
  };
  std::vector<Block> blocks_;
};

/// `id`, if it is `Query_<n>` as BLAST+ counts (from 1), as it reads when `first_query` queries stand before;
/// else, or when that is past 64 bits, nullopt.
inline std::optional<std::string> renumbered(std::string_view id, std::uint64_t first_query) {
  constexpr std::string_view kPrefix = "Query_";
  if (!id.starts_with(kPrefix) || id.substr(kPrefix.size()).starts_with('0')) return std::nullopt;
  const auto number = number_of<std::uint64_t>(id.substr(kPrefix.size()));
  if (!number || *number + first_query < *number) return std::nullopt;
  return std::string(kPrefix) + std::to_string(*number + first_query);
}

}  // namespace loom::archive
