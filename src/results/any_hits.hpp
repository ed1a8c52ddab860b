#pragma once
#include <optional>

#include "blast/outfmt.hpp"
#include "results/index_builder.hpp"

namespace loom::results {

/// Whether output of BLAST+ in `format` shows a hit of any query; read no further than to the first. nullopt
/// for formats whose output is not looked into: 8, 9, 11, 12, 13, 14, 18. Errors: those of `read`.
Result<std::optional<bool>> shows_hits(const blast::OutFormat& format, const ReadBytes& read);

}  // namespace loom::results
