#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace loom::storage::azure {

/// One page of List Blobs.
struct BlobPage {
  struct Item {
    std::string name;
    std::uint64_t size_bytes;
    std::string etag;  ///< in quotes or not
  };
  std::vector<Item> items;
  std::string next_marker;  ///< "": the last page
};

/// One block that was put and not yet committed.
struct Block {
  std::string id;  ///< base64
  std::uint64_t size_bytes;
};

/// Errors of both: corrupt, when it is no such XML.
Result<BlobPage> parse_blob_page(std::span<const std::byte> xml);
Result<std::vector<Block>> parse_uncommitted_blocks(std::span<const std::byte> xml);

}  // namespace loom::storage::azure
