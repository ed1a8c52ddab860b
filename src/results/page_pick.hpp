#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "results/index_file.hpp"
#include "results/listing.hpp"
#include "results/page_memory.hpp"
#include "results/page_request.hpp"

namespace loom::results {

/// Which rows a page shows.
struct Picked {
  std::vector<std::int64_t> ids;       ///< as in the file, in the order of the page
  std::optional<std::uint64_t> total;  ///< as of Page
  std::string next;                    ///< as of Page
};

/// Picks those of `listing` behind the cursor of `request`, in its order: from what `memory` keeps, along an
/// index of the file, or out of the columns, whatever is likely to be quickest. What was found besides is
/// kept. Blocking: on disk, until `reader` is late. Errors: those of HitIndex.
Result<Picked> pick_page(IndexReader& reader, const Listing& listing, const PageRequest& request,
                         PageMemory& memory, const PageEffort& effort);

}  // namespace loom::results
