#include "storage/azure/list_reply.hpp"

#include <charconv>
#include <optional>
#include <pugixml.hpp>

#include "base/number.hpp"

namespace loom::storage::azure {
namespace {

Result<pugi::xml_node> root_of(pugi::xml_document& document, std::span<const std::byte> xml,
                               const char* name) {
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed)
    return error(Code::corrupt, "a list that is no XML: {} at byte {}", parsed.description(), parsed.offset);
  const pugi::xml_node root = document.child(name);
  if (!root) return error(Code::corrupt, "a list without <{}>", name);
  return root;
}

Result<std::uint64_t> size_in(const char* text) {
  if (const auto size = number_of<std::uint64_t>(text); size) return *size;
  return error(Code::corrupt, "a list with a size that is no number");
}

/// A name with letters that XML cannot hold comes percent-encoded, and says so.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    out += escape ? static_cast<char>(value) : text[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace

Result<BlobPage> parse_blob_page(std::span<const std::byte> xml) {
  pugi::xml_document document;
  LOOM_TRY(const pugi::xml_node root, root_of(document, xml, "EnumerationResults"));
  BlobPage page;
  for (const pugi::xml_node blob : root.child("Blobs").children("Blob")) {
    const pugi::xml_node name = blob.child("Name");
    if (!name) return error(Code::corrupt, "a list with a nameless blob");
    const pugi::xml_node properties = blob.child("Properties");
    LOOM_TRY(const std::uint64_t size, size_in(properties.child_value("Content-Length")));
    const char* text = name.child_value();
    page.items.push_back({name.attribute("Encoded").as_bool() ? percent_decoded(text) : std::string(text),
                          size, properties.child_value("Etag")});
  }
  page.next_marker = root.child_value("NextMarker");
  return page;
}

Result<std::vector<Block>> parse_uncommitted_blocks(std::span<const std::byte> xml) {
  pugi::xml_document document;
  LOOM_TRY(const pugi::xml_node root, root_of(document, xml, "BlockList"));
  std::vector<Block> blocks;
  for (const pugi::xml_node block : root.child("UncommittedBlocks").children("Block")) {
    LOOM_TRY(const std::uint64_t size, size_in(block.child_value("Size")));
    blocks.push_back({block.child_value("Name"), size});
  }
  return blocks;
}

}  // namespace loom::storage::azure
