#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loom::render {

/// The number after `Query_` at the front of `text` and how many characters the whole takes, or nullopt.
struct QueryLabel {
  std::uint64_t number = 0;
  std::size_t size = 0;
};
std::optional<QueryLabel> query_label(std::string_view text);

/// If `line` has a query label right behind `prefix` (which must be its start), the line with the label's
/// number moved on by `first_query`; else nullopt.
std::optional<std::string> renumbered(std::string_view line, std::string_view prefix,
                                      std::uint64_t first_query);

/// `text` with every `Query_<n>` that stands alone as a word moved on by `first_query`. For the engine's
/// messages, where the label may stand anywhere.
std::string renumber_all(std::string_view text, std::uint64_t first_query);

}  // namespace loom::render
