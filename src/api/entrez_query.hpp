#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace loom::api {

/// Which organisms an Entrez query leaves: those of `wanted` (empty: all) without those of `unwanted`, each
/// with all below it.
struct EntrezOrganisms {
  std::vector<std::uint32_t> wanted{};
  std::vector<std::uint32_t> unwanted{};
};

/// Reads the part of Entrez's language that is about organisms alone:
///     query = group *(("OR" | "NOT") group)        ; no OR behind a NOT
///     group = term | "(" term *("OR" term) ")"
///     term  = "txid" NUMBER "[ORGN]"               ; also [Organism], and with :exp
/// In front of NOT `all[filter]`, or nothing, is everything. Words count in any case.
/// Errors: invalid_argument, which names the term that is none of these.
Result<EntrezOrganisms> parse_entrez_organisms(std::string_view text);

}  // namespace loom::api
