#include "taxonomy/taxonomy.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "taxonomy/largest.hpp"

namespace loom::taxonomy {
namespace {

template <class T>
std::span<const T> section(std::span<const std::byte> bytes, std::size_t start, std::size_t count) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the file lies in memory as it is read.
  return {reinterpret_cast<const T*>(bytes.data() + start), count};
}

std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(layout::fold(c));
  return out;
}

/// Compares the folded `name`, cut to `most` bytes, with a text that is folded.
int compare(std::string_view name, std::string_view folded_text, std::size_t most) {
  const std::size_t common = std::min({name.size(), folded_text.size(), most});
  for (std::size_t i = 0; i < common; ++i) {
    const int difference = layout::fold(name[i]) - static_cast<unsigned char>(folded_text[i]);
    if (difference != 0) return difference;
  }
  const std::size_t size = std::min(name.size(), most);
  return size == folded_text.size() ? 0 : size < folded_text.size() ? -1 : 1;
}

Error damaged(std::string_view what) {
  return error(Code::corrupt, "{}; import the taxonomy again", what);
}

/// The head, if the bytes are a whole file of this version.
Result<layout::Head> check_frame(std::span<const std::byte> bytes) {
  layout::Head head{};
  if (bytes.size() < sizeof(head)) return damaged("the taxonomy file is cut off");
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (head.magic != layout::kMagic) return damaged("this is no taxonomy file");
  if (head.version != layout::kVersion) {
    return error(Code::invalid_argument,
                 "the taxonomy file has version {}, this program reads {}; import it again", head.version,
                 layout::kVersion);
  }
  const layout::Sections at(head);
  if (bytes.size() != at.end) return damaged("the taxonomy file is cut off or too long");
  std::uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + at.checksum, sizeof(checksum));
  if (XXH3_64bits(bytes.data(), at.checksum) != checksum)
    return damaged("the taxonomy file is damaged: its checksum is wrong");
  return head;
}

/// Parts of [0, nodes) in order, none touching the next.
using Runs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// Subtrees nest or lie apart, so sorted by their begin each is inside the last kept one or behind it.
Runs joined(Runs runs) {
  std::ranges::sort(
      runs, [](auto a, auto b) { return std::pair(a.first, b.second) < std::pair(b.first, a.second); });
  Runs kept;
  for (const auto& run : runs)
    if (kept.empty() || run.first >= kept.back().second) kept.push_back(run);
  return kept;
}

}  // namespace

Result<std::shared_ptr<const Taxonomy>> Taxonomy::open(const std::filesystem::path& path) {
  LOOM_TRY(MappedFile file, MappedFile::open(path));
  auto taxonomy = over(file.bytes());
  if (!taxonomy) return std::move(taxonomy.error()).at(path.string());
  taxonomy->file_.emplace(std::move(file));
  return std::make_shared<const Taxonomy>(*std::move(taxonomy));
}

Result<Taxonomy> Taxonomy::over(std::span<const std::byte> bytes) {
  LOOM_TRY(const layout::Head head, check_frame(bytes));
  const layout::Sections at(head);
  Taxonomy made;
  made.nodes_ = section<layout::Node>(bytes, at.nodes, head.nodes);
  made.entries_ = section<layout::Entry>(bytes, at.entries, head.nodes);
  made.node_names_ = section<layout::NodeName>(bytes, at.node_names, head.names);
  made.names_ = section<layout::Name>(bytes, at.names, head.names);
  made.blocks_ = section<layout::BlockSize>(bytes, at.blocks, layout::Sections::block_count(head.names));
  made.merged_ = section<layout::Merged>(bytes, at.merged, head.merged);
  made.deleted_ = section<layout::Deleted>(bytes, at.deleted, head.deleted);
  made.ranks_ = section<layout::Rank>(bytes, at.ranks, head.ranks);
  const auto text = section<char>(bytes, at.text, head.text_bytes);
  made.text_ = std::string_view(text.data(), text.size());
  LOOM_CHECKED(made.check());
  return made;
}

/// What lookups rely on, so that no file makes them read beyond it, or without end.
Status Taxonomy::check() const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const layout::Node& node = nodes_[i];
    const std::size_t next_name = i + 1 < nodes_.size() ? nodes_[i + 1].first_name : names_.size();
    const bool tree =
        node.end > i && node.end <= nodes_.size() && (i == 0 ? node.parent == 0 : node.parent < i);
    if (!tree || node.rank >= ranks_.size() || node.first_name >= next_name || next_name > names_.size())
      return damaged("the taxonomy file has a node that cannot be");
  }
  const auto in_text = [&](std::size_t start, std::size_t bytes) {
    return start <= text_.size() && bytes <= text_.size() - start;
  };
  const bool good =
      std::ranges::all_of(entries_, [&](const auto& entry) { return entry.node < nodes_.size(); }) &&
      std::ranges::all_of(node_names_, [&](auto name) { return name < names_.size(); }) &&
      std::ranges::all_of(ranks_, [&](const auto& rank) { return in_text(rank.start, rank.bytes); }) &&
      std::ranges::all_of(names_, [&](const auto& name) {
        return name.node < nodes_.size() && name.kind < kNameKinds && in_text(name.start, name.bytes);
      });
  return good ? ok() : Status(damaged("the taxonomy file has a name that cannot be"));
}

std::optional<std::uint32_t> Taxonomy::node_of(TaxId id) const {
  const auto entry = std::ranges::lower_bound(entries_, id, {}, &layout::Entry::taxid);
  if (entry != entries_.end() && entry->taxid == id) return entry->node;
  const auto merged = std::ranges::lower_bound(merged_, id, {}, &layout::Merged::from);
  if (merged == merged_.end() || merged->from != id) return std::nullopt;
  const auto into = std::ranges::lower_bound(entries_, merged->into, {}, &layout::Entry::taxid);
  if (into == entries_.end() || into->taxid != merged->into) return std::nullopt;
  return into->node;
}

Result<std::uint32_t> Taxonomy::known_node(TaxId id) const {
  if (const auto node = node_of(id)) return *node;
  if (std::ranges::binary_search(deleted_, id))
    return error(Code::not_found, "taxid {} was deleted from NCBI's taxonomy", id);
  return error(Code::not_found, "there is no taxid {} in the imported taxonomy", id);
}

std::string_view Taxonomy::text(const layout::Name& name) const {
  return text_.substr(name.start, name.bytes);
}

std::span<const layout::NodeName> Taxonomy::node_names(std::uint32_t node) const {
  const std::size_t end = node + 1 < nodes_.size() ? nodes_[node + 1].first_name : names_.size();
  return node_names_.subspan(nodes_[node].first_name, end - nodes_[node].first_name);
}

Taxon Taxonomy::taxon(std::uint32_t node) const {
  const layout::Node& found = nodes_[node];
  const layout::Rank& rank = ranks_[found.rank];
  return {.id = found.taxid,
          .parent = nodes_[found.parent].taxid,
          .name = text(names_[node_names(node).front()]),
          .rank = text_.substr(rank.start, rank.bytes),
          .descendants = found.end - node - 1};
}

NameMatch Taxonomy::match(std::uint32_t name) const {
  const layout::Name& found = names_[name];
  return {.matched = {.text = text(found), .kind = static_cast<NameKind>(found.kind)},
          .taxon = taxon(found.node)};
}

Result<Taxon> Taxonomy::find(TaxId id) const {
  LOOM_TRY(const std::uint32_t node, known_node(id));
  return taxon(node);
}

Result<std::vector<Taxon>> Taxonomy::lineage(TaxId id) const {
  LOOM_TRY(std::uint32_t node, known_node(id));
  std::vector<Taxon> line{taxon(node)};
  for (; node != 0; line.push_back(taxon(node))) node = nodes_[node].parent;
  std::ranges::reverse(line);
  return line;
}

bool Taxonomy::is_within(TaxId id, TaxId clade) const {
  const auto node = node_of(id);
  const auto above = node_of(clade);
  return node && above && *node >= *above && *node < nodes_[*above].end;
}

std::size_t Taxonomy::first_name_not_below(std::string_view folded_text) const {
  const auto found = std::ranges::partition_point(
      names_, [&](const layout::Name& name) { return compare(text(name), folded_text, name.bytes) < 0; });
  return static_cast<std::size_t>(found - names_.begin());
}

std::size_t Taxonomy::first_name_without(std::string_view folded_prefix, std::size_t begin) const {
  const auto found = std::ranges::partition_point(names_.subspan(begin), [&](const layout::Name& name) {
    return compare(text(name), folded_prefix, folded_prefix.size()) == 0;
  });
  return begin + static_cast<std::size_t>(found - names_.subspan(begin).begin());
}

std::vector<NameMatch> Taxonomy::named(std::string_view name, std::size_t most) const {
  const std::string wanted = folded(name);
  Largest largest(names_, most);
  for (std::size_t at = first_name_not_below(wanted);
       at < names_.size() && compare(text(names_[at]), wanted, names_[at].bytes) == 0; ++at)
    largest.offer(at);
  std::vector<NameMatch> found;
  for (const std::uint32_t one : largest.take()) found.push_back(match(one));
  return found;
}

std::vector<NameMatch> Taxonomy::complete(std::string_view prefix, std::size_t most) const {
  const std::string wanted = folded(prefix);
  std::vector<NameMatch> found = named(prefix, most);
  const std::size_t begin = first_name_not_below(wanted);
  Largest largest(names_, most);
  largest.offer(begin, first_name_without(wanted, begin), blocks_);
  for (const std::uint32_t one : largest.take()) {
    if (found.size() >= most) break;
    NameMatch next = match(one);
    const bool there =
        std::ranges::any_of(found, [&](const auto& other) { return other.taxon.id == next.taxon.id; });
    if (!there) found.push_back(next);
  }
  return found;
}

Selection Taxonomy::select(std::span<const TaxId> include, std::span<const TaxId> exclude) const {
  Selection selection;
  const auto runs_of = [&](std::span<const TaxId> ids) {
    Runs runs;
    for (const TaxId id : ids) {
      if (const auto node = node_of(id)) {
        runs.emplace_back(*node, nodes_[*node].end);
      } else {
        selection.unknown.push_back(id);
      }
    }
    return joined(std::move(runs));
  };
  const Runs in = runs_of(include);
  const Runs out = runs_of(exclude);
  auto next_out = out.begin();
  for (const auto& [begin, end] : in) {
    for (std::uint32_t node = begin; node < end; ++node) {
      while (next_out != out.end() && next_out->second <= node) ++next_out;
      if (next_out != out.end() && next_out->first <= node) {
        node = next_out->second - 1;
      } else {
        selection.taxids.push_back(nodes_[node].taxid);
      }
    }
  }
  std::ranges::sort(selection.taxids);
  return selection;
}

}  // namespace loom::taxonomy
