#include "taxonomy/image.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/atomic_file.hpp"
#include "taxonomy/layout.hpp"

namespace loom::taxonomy {
namespace {

using layout::Entry;

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// From a taxid to where it stands in a list sorted by taxid: a table if the taxids are dense, as NCBI's are.
class Places {
 public:
  explicit Places(const std::vector<Dump::Node>& sorted) : sorted_(sorted) {
    constexpr std::size_t kSparse = 16;
    const std::size_t most = sorted.empty() ? 0 : sorted.back().id;
    if (most > kSparse * sorted.size() + 1024) return;
    table_.assign(most + 1, kNone);
    for (std::uint32_t i = 0; i < sorted.size(); ++i) table_[sorted[i].id] = i;
  }

  [[nodiscard]] std::uint32_t find(TaxId id) const {
    if (!table_.empty()) return id < table_.size() ? table_[id] : kNone;
    const auto found = std::ranges::lower_bound(sorted_, id, {}, &Dump::Node::id);
    return found == sorted_.end() || found->id != id ? kNone
                                                     : static_cast<std::uint32_t>(found - sorted_.begin());
  }

 private:
  const std::vector<Dump::Node>& sorted_;
  std::vector<std::uint32_t> table_;
};

/// The nodes as a tree in preorder. `at` and `order` turn places by taxid into places in preorder and back.
struct Tree {
  std::vector<std::uint32_t> parents;  // by taxid
  std::vector<std::uint32_t> order;    // by preorder
  std::vector<std::uint32_t> at;       // by taxid
  std::vector<std::uint32_t> ends;     // by preorder
};

Status resolve_parents(const std::vector<Dump::Node>& nodes, const Places& places, Tree& tree) {
  for (std::size_t i = 1; i < nodes.size(); ++i)
    if (nodes[i].id == nodes[i - 1].id)
      return error(Code::corrupt, "nodes.dmp: taxid {} stands there twice", nodes[i].id);
  std::uint32_t root = kNone;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    tree.parents.push_back(places.find(nodes[i].parent));
    if (tree.parents.back() == kNone) {
      return error(Code::corrupt, "nodes.dmp: taxid {} has the parent {}, which is not there", nodes[i].id,
                   nodes[i].parent);
    }
    if (tree.parents.back() != i) continue;
    if (root != kNone)
      return error(Code::corrupt, "nodes.dmp: has two roots, {} and {}", nodes[root].id, nodes[i].id);
    root = i;
  }
  if (root == kNone) return error(Code::corrupt, "nodes.dmp: has no root (a taxid that is its own parent)");
  tree.order.push_back(root);
  return ok();
}

/// One of the nodes that go round in a circle; there is one.
TaxId in_circle(const std::vector<Dump::Node>& nodes, const Tree& tree) {
  auto at = static_cast<std::uint32_t>(std::ranges::find(tree.at, kNone) - tree.at.begin());
  // As many steps as there are nodes end in the circle, wherever they start outside the tree.
  for (std::size_t step = 0; step < nodes.size(); ++step) at = tree.parents[at];
  return nodes[at].id;
}

/// Lists each node's children, then walks the tree from its root with a stack of its own.
Status walk(const std::vector<Dump::Node>& nodes, Tree& tree) {
  const auto count = static_cast<std::uint32_t>(nodes.size());
  const std::uint32_t root = tree.order.front();
  std::vector<std::uint32_t> begin(count + 1, 0);
  for (std::uint32_t i = 0; i < count; ++i)
    if (i != root) ++begin[tree.parents[i] + 1];
  for (std::uint32_t i = 0; i < count; ++i) begin[i + 1] += begin[i];
  std::vector<std::uint32_t> children(begin[count]);
  std::vector<std::uint32_t> next = begin;
  for (std::uint32_t i = 0; i < count; ++i)
    if (i != root) children[next[tree.parents[i]]++] = i;

  tree.order.clear();
  tree.at.assign(count, kNone);
  tree.ends.assign(count, 0);
  next = begin;
  std::vector<std::uint32_t> open;
  const auto enter = [&](std::uint32_t node) {
    tree.at[node] = static_cast<std::uint32_t>(tree.order.size());
    tree.order.push_back(node);
    open.push_back(node);
  };
  enter(root);
  while (!open.empty()) {
    const std::uint32_t node = open.back();
    if (next[node] < begin[node + 1]) {
      enter(children[next[node]++]);
    } else {
      tree.ends[tree.at[node]] = static_cast<std::uint32_t>(tree.order.size());
      open.pop_back();
    }
  }
  if (tree.order.size() == count) return ok();
  return error(Code::corrupt, "nodes.dmp: the parents of taxid {} lead back to it, not to the root",
               in_circle(nodes, tree));
}

Result<Tree> make_tree(const std::vector<Dump::Node>& nodes, const Places& places) {
  Tree tree;
  LOOM_CHECKED(resolve_parents(nodes, places, tree));
  LOOM_CHECKED(walk(nodes, tree));
  return tree;
}

struct Names {
  std::vector<layout::Name> sorted;  // starts are those in the dump's text
  std::vector<layout::NodeName> by_node;
  std::vector<std::uint32_t> first_by_node;  // one more than nodes
};

/// Most names differ in their first eight letters, which are compared as one number.
struct SortKey {
  std::uint64_t prefix;
  std::uint32_t name;
};

std::vector<SortKey> sorted_keys(const std::vector<Dump::Name>& names, const std::string& folded) {
  const auto text = [&](std::uint32_t name) {
    return std::string_view(folded).substr(names[name].start, names[name].bytes);
  };
  std::vector<SortKey> keys(names.size());
  for (std::uint32_t i = 0; i < keys.size(); ++i) {
    keys[i] = {.prefix = 0, .name = i};
    const std::string_view letters = text(i);
    for (std::size_t at = 0; at < 8; ++at)
      keys[i].prefix =
          keys[i].prefix << 8U | (at < letters.size() ? static_cast<unsigned char>(letters[at]) : 0U);
  }
  std::ranges::sort(keys, [&](const SortKey& a, const SortKey& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = text(a.name).compare(text(b.name));
    if (order != 0) return order < 0;
    return std::pair(names[a.name].kind, names[a.name].id) < std::pair(names[b.name].kind, names[b.name].id);
  });
  return keys;
}

Result<Names> make_names(const Dump& dump, const Places& places, const Tree& tree) {
  std::string folded(dump.text.size(), '\0');
  std::ranges::transform(dump.text, folded.begin(),
                         [](char c) { return static_cast<char>(layout::fold(c)); });
  Names names;
  names.sorted.reserve(dump.names.size());
  names.first_by_node.assign(dump.nodes.size() + 1, 0);
  for (const SortKey& key : sorted_keys(dump.names, folded)) {
    const Dump::Name& from = dump.names[key.name];
    const std::uint32_t place = places.find(from.id);
    if (place == kNone) {
      return error(Code::corrupt,
                   "names.dmp: names the taxid {}, which is not in nodes.dmp; are they of one day?", from.id);
    }
    const std::uint32_t node = tree.at[place];
    names.sorted.push_back({.start = from.start,
                            .bytes = from.bytes,
                            .kind = static_cast<std::uint8_t>(from.kind),
                            .zero = 0,
                            .node = node,
                            .size = tree.ends[node] - node});
    ++names.first_by_node[node + 1];
  }
  for (std::size_t i = 1; i < names.first_by_node.size(); ++i)
    names.first_by_node[i] += names.first_by_node[i - 1];
  names.by_node.resize(names.sorted.size());
  std::vector<std::uint32_t> next = names.first_by_node;
  for (std::uint32_t i = 0; i < names.sorted.size(); ++i) names.by_node[next[names.sorted[i].node]++] = i;
  for (std::size_t node = 0; node < dump.nodes.size(); ++node) {
    const auto begin = names.by_node.begin() + names.first_by_node[node];
    const auto end = names.by_node.begin() + names.first_by_node[node + 1];
    std::sort(begin, end, [&](auto a, auto b) {
      return std::pair(names.sorted[a].kind, a) < std::pair(names.sorted[b].kind, b);
    });
    if (begin == end || names.sorted[*begin].kind != static_cast<std::uint8_t>(NameKind::scientific)) {
      return error(Code::corrupt, "names.dmp: has no scientific name of taxid {}",
                   dump.nodes[tree.order[node]].id);
    }
  }
  return names;
}

/// Passes on bytes to the sink, in large pieces, and sums them up.
class Writer {
 public:
  explicit Writer(const Sink& sink) : sink_(sink) { XXH3_64bits_reset(&state_); }

  Status bytes(std::string_view bytes) {
    XXH3_64bits_update(&state_, bytes.data(), bytes.size());
    written_ += bytes.size();
    buffer_ += bytes;
    return buffer_.size() < kPieceBytes ? ok() : flush();
  }
  template <class T>
  Status value(const T& value) {
    const auto raw = std::bit_cast<std::array<char, sizeof(T)>>(value);
    return bytes({raw.data(), raw.size()});
  }
  Status finish() {
    while (written_ % 8 != 0) LOOM_CHECKED(bytes(std::string_view("\0", 1)));
    LOOM_CHECKED(value(std::uint64_t{XXH3_64bits_digest(&state_)}));
    return flush();
  }

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;
  Status flush() {
    LOOM_CHECKED(sink_(std::as_bytes(std::span(buffer_))));
    buffer_.clear();
    return ok();
  }

  XXH3_state_t state_{};
  const Sink& sink_;
  std::size_t written_ = 0;
  std::string buffer_;
};

Status write_nodes(const Dump& dump, const Tree& tree, const Names& names, Writer& out) {
  for (std::uint32_t node = 0; node < tree.order.size(); ++node) {
    const std::uint32_t place = tree.order[node];
    LOOM_CHECKED(out.value(layout::Node{.taxid = dump.nodes[place].id,
                                        .parent = tree.at[tree.parents[place]],
                                        .end = tree.ends[node],
                                        .rank = dump.nodes[place].rank,
                                        .first_name = names.first_by_node[node]}));
  }
  for (std::size_t place = 0; place < dump.nodes.size(); ++place)
    LOOM_CHECKED(out.value(Entry{.taxid = dump.nodes[place].id, .node = tree.at[place]}));
  return ok();
}

Status write_names(const Names& names, Writer& out) {
  for (const layout::NodeName name : names.by_node) LOOM_CHECKED(out.value(name));
  std::uint32_t start = 0;
  for (layout::Name name : names.sorted) {
    name.start = start;  // the text is written in this order
    start += name.bytes;
    LOOM_CHECKED(out.value(name));
  }
  for (std::size_t first = 0; first < names.sorted.size(); first += layout::kBlockNames) {
    const auto block = std::span(names.sorted)
                           .subspan(first)
                           .first(std::min(layout::kBlockNames, names.sorted.size() - first));
    LOOM_CHECKED(out.value(layout::BlockSize{std::ranges::max(block, {}, &layout::Name::size).size}));
  }
  return ok();
}

Status write_rest(const Dump& dump, const Names& names, Writer& out) {
  for (const auto& [from, into] : dump.merged)
    LOOM_CHECKED(out.value(layout::Merged{.from = from, .into = into}));
  for (const layout::Deleted id : dump.deleted) LOOM_CHECKED(out.value(id));
  auto start = static_cast<std::uint32_t>(dump.text.size());
  for (const std::string& rank : dump.ranks) {
    LOOM_CHECKED(out.value(layout::Rank{.start = start, .bytes = static_cast<std::uint32_t>(rank.size())}));
    start += static_cast<std::uint32_t>(rank.size());
  }
  for (const layout::Name& name : names.sorted)
    LOOM_CHECKED(out.bytes(std::string_view(dump.text).substr(name.start, name.bytes)));
  for (const std::string& rank : dump.ranks) LOOM_CHECKED(out.bytes(rank));
  return out.finish();
}

/// Sorted, each old id once, and all of them lead to nodes.
Status tidy_merged(const Places& places, std::vector<std::pair<TaxId, TaxId>>& merged) {
  std::ranges::sort(merged);
  for (std::size_t i = 0; i < merged.size(); ++i) {
    const auto& [from, into] = merged[i];
    if (places.find(into) == kNone) {
      return error(Code::corrupt, "merged.dmp: taxid {} was merged into {}, which is not in nodes.dmp", from,
                   into);
    }
    if (i > 0 && merged[i - 1].first == from)
      return error(Code::corrupt, "merged.dmp: taxid {} stands there twice", from);
  }
  return ok();
}

}  // namespace

Result<Size> write_image(Dump dump, const Sink& sink) {
  std::ranges::sort(dump.nodes, {}, &Dump::Node::id);
  std::ranges::sort(dump.deleted);
  const Places places(dump.nodes);
  LOOM_TRY(const Tree tree, make_tree(dump.nodes, places));
  LOOM_TRY(const Names names, make_names(dump, places, tree));
  LOOM_CHECKED(tidy_merged(places, dump.merged));
  std::size_t text_bytes = dump.text.size();
  for (const std::string& rank : dump.ranks) text_bytes += rank.size();
  if (text_bytes > kNone) return error(Code::too_large, "the names have more than 4 GiB");
  Writer out(sink);
  LOOM_CHECKED(out.value(layout::Head{.magic = layout::kMagic,
                                      .version = layout::kVersion,
                                      .nodes = static_cast<std::uint32_t>(dump.nodes.size()),
                                      .names = static_cast<std::uint32_t>(dump.names.size()),
                                      .merged = static_cast<std::uint32_t>(dump.merged.size()),
                                      .deleted = static_cast<std::uint32_t>(dump.deleted.size()),
                                      .ranks = static_cast<std::uint32_t>(dump.ranks.size()),
                                      .text_bytes = static_cast<std::uint32_t>(text_bytes),
                                      .zero = 0}));
  LOOM_CHECKED(write_nodes(dump, tree, names, out));
  LOOM_CHECKED(write_names(names, out));
  LOOM_CHECKED(write_rest(dump, names, out));
  return Size{.nodes = dump.nodes.size(),
              .names = dump.names.size(),
              .merged = dump.merged.size(),
              .deleted = dump.deleted.size()};
}

Result<Size> import_taxdump(const std::filesystem::path& source, const std::filesystem::path& target,
                            std::stop_token stop) {
  LOOM_TRY(Dump dump, read_dump(source, stop));
  LOOM_TRY(AtomicFile file, AtomicFile::create(target));
  auto size = write_image(std::move(dump), [&](std::span<const std::byte> bytes) -> Status {
    if (stop.stop_requested()) return error(Code::cancelled, "the import of the taxonomy was stopped");
    return file.write(bytes);
  });
  if (!size) return std::move(size.error()).at(source.string());
  LOOM_CHECKED(file.commit());
  return size;
}

}  // namespace loom::taxonomy
