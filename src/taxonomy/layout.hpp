#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

// The taxonomy file as it lies on the disk and in memory: doc/formats/taxonomy.md. Private to the room.
namespace loom::taxonomy::layout {

static_assert(std::endian::native == std::endian::little, "the file is little-endian and read where it lies");

inline constexpr std::array<char, 8> kMagic{'L', 'O', 'O', 'M', 'T', 'A', 'X', '\n'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kBlockNames = 256;

struct Head {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t nodes;
  std::uint32_t names;
  std::uint32_t merged;
  std::uint32_t deleted;
  std::uint32_t ranks;
  std::uint32_t text_bytes;
  std::uint32_t zero;
};

/// In preorder: a node's descendants are those behind it, up to `end`.
struct Node {
  std::uint32_t taxid;
  std::uint32_t parent;  // a node; the root's is itself
  std::uint32_t end;     // a node, or the number of nodes
  std::uint32_t rank;
  std::uint32_t first_name;  // in NodeName; a node's names end where the next node's begin
};

/// By taxid.
struct Entry {
  std::uint32_t taxid;
  std::uint32_t node;
};

/// By the text, upper case taken for lower.
struct Name {
  std::uint32_t start;  // in the text
  std::uint16_t bytes;
  std::uint8_t kind;  // a NameKind
  std::uint8_t zero;
  std::uint32_t node;
  std::uint32_t size;  // of the node's subtree, itself included
};

using NodeName = std::uint32_t;   // a name, by node and kind: a node's scientific name is its first
using BlockSize = std::uint32_t;  // the greatest Name::size of kBlockNames names

/// By the old one.
struct Merged {
  std::uint32_t from;
  std::uint32_t into;
};

using Deleted = std::uint32_t;

struct Rank {
  std::uint32_t start;
  std::uint32_t bytes;
};

/// Where the sections stand: one behind the other in this order, then the text, then (at a multiple of 8) the
/// XXH3 of all before.
struct Sections {
  explicit constexpr Sections(const Head& head)
      : nodes(sizeof(Head)),
        entries(nodes + sizeof(Node) * head.nodes),
        node_names(entries + sizeof(Entry) * head.nodes),
        names(node_names + sizeof(NodeName) * head.names),
        blocks(names + sizeof(Name) * head.names),
        merged(blocks + sizeof(BlockSize) * block_count(head.names)),
        deleted(merged + sizeof(Merged) * head.merged),
        ranks(deleted + sizeof(Deleted) * head.deleted),
        text(ranks + sizeof(Rank) * head.ranks),
        checksum((text + head.text_bytes + 7) / 8 * 8),
        end(checksum + 8) {}

  static constexpr std::size_t block_count(std::size_t names) {
    return (names + kBlockNames - 1) / kBlockNames;
  }

  std::size_t nodes, entries, node_names, names, blocks, merged, deleted, ranks, text, checksum, end;
};

static_assert(sizeof(Head) == 40 && sizeof(Node) == 20 && sizeof(Name) == 16, "as documented");
static_assert(std::has_unique_object_representations_v<Head> &&
              std::has_unique_object_representations_v<Name>);

/// How names are compared: ASCII letters without regard to case.
constexpr unsigned char fold(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + ('a' - 'A')) : byte;
}

}  // namespace loom::taxonomy::layout
