// Any bytes as what Azure Blob Storage lists, and as a Retry-After header: refused as corrupt, or sizes and
// names that the bytes can hold.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.hpp"
#include "storage/azure/list_reply.hpp"
#include "storage/azure/retry.hpp"

namespace azure = loom::storage::azure;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto page = azure::parse_blob_page(bytes);
  LOOM_CHECK(page || page.error().code == loom::Code::corrupt, "it is corrupt or a page");
  if (page) {
    std::size_t letters = page->next_marker.size();
    for (const auto& item : page->items) letters += item.name.size();
    LOOM_CHECK(letters <= size, "names are parts of the text");
  }
  const auto blocks = azure::parse_uncommitted_blocks(bytes);
  LOOM_CHECK(blocks || blocks.error().code == loom::Code::corrupt, "they are corrupt or blocks");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto wait = azure::parse_retry_after(text, std::chrono::system_clock::from_time_t(0));
  LOOM_CHECK(!wait || (wait->count() >= 0 && *wait <= std::chrono::hours(24)), "a wait of at most a day");
  return 0;
}
