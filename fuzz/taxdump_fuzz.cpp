// The first byte chooses. Even: the rest is a taxdump, its four files with form feeds between them, read in
// pieces of half that size; what is taken makes a taxonomy that agrees with the dump. 1 (of 4): the rest is a
// taxonomy file, given a right checksum; whatever it holds, no lookup leaves it. 3 (of 4): the next byte is
// the size of a taxdb.bti in entries, which follows, then its taxdb.btd; names lie in it.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "taxonomy/image.hpp"
#include "taxonomy/taxdb.hpp"
#include "taxonomy/taxonomy.hpp"

namespace taxonomy = loom::taxonomy;
using taxonomy::TaxId;

namespace {

std::optional<taxonomy::Dump> parse(std::string_view text, std::size_t piece) {
  taxonomy::DumpParser parser;
  for (const taxonomy::DumpFile file : taxonomy::kDumpFiles) {
    const std::size_t end = std::min(text.find('\f'), text.size());
    for (std::size_t at = 0; at < end; at += piece)
      if (!parser.add(file, text.substr(at, std::min(piece, end - at)))) return std::nullopt;
    if (!parser.end(file)) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(parser).take();
}

/// At an address that 8 divides.
class Image {
 public:
  explicit Image(std::size_t bytes) : words_((bytes + 7) / 8), bytes_(words_.size() * 8) {}
  explicit Image(std::string_view bytes) : Image(bytes.size()) {
    if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
  }
  void set_checksum() {
    if (words_.size() > 1) words_.back() = XXH3_64bits(words_.data(), bytes_ - 8);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(words_)); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t bytes_;
};

void look_up_everything(const taxonomy::Taxonomy& all) {
  for (const auto& match : all.complete("", 50)) {
    (void)all.find(match.taxon.id);
    const auto line = all.lineage(match.taxon.id);
    LOOM_CHECK(!line || line->size() <= all.size(), "a lineage has an end");
    (void)all.named(match.matched.text, 5);
    (void)all.complete(match.matched.text.substr(0, 3), 5);
    const std::array ids{match.taxon.id, match.taxon.parent};
    (void)all.select(ids, std::span(ids).last(1));
  }
}

void check_agreement(const taxonomy::Dump& dump, const taxonomy::Taxonomy& all) {
  LOOM_CHECK(all.size() == dump.nodes.size(), "every node is there");
  std::vector<TaxId> ids;
  TaxId root = 0;
  for (const auto& node : dump.nodes) {
    ids.push_back(node.id);
    if (node.parent == node.id) root = node.id;
  }
  for (const auto& node : dump.nodes) {
    const auto taxon = all.find(node.id);
    LOOM_CHECK(taxon && taxon->id == node.id && taxon->parent == node.parent, "and is what it was");
    LOOM_CHECK(taxon->rank == dump.ranks[node.rank], "of its rank");
    const auto line = all.lineage(node.id);
    LOOM_CHECK(line && line->front().id == root && line->back().id == node.id, "below the root");
  }
  std::ranges::sort(ids);
  LOOM_CHECK(all.select(std::array{root}, {}).taxids == ids, "all are below the root");
  LOOM_CHECK(all.select(ids, std::array{root}).taxids.empty(), "none is left without it");
  for (const auto& name : dump.names) {
    const auto found =
        all.named(std::string_view(dump.text).substr(name.start, name.bytes), dump.nodes.size());
    LOOM_CHECK(std::ranges::any_of(found, [&](const auto& one) { return one.taxon.id == name.id; }),
               "its names lead to it");
  }
}

void check_taxdb(std::string_view text) {
  if (text.empty()) return;
  const std::size_t index_bytes = 24 + 8 * std::size_t{static_cast<unsigned char>(text[0])};
  const auto bytes = std::as_bytes(std::span(text.substr(1)));
  const auto index = bytes.first(std::min(index_bytes, bytes.size()));
  const auto data = bytes.subspan(index.size());
  const auto db = taxonomy::TaxDb::over(index, data);
  if (!db) return;
  for (TaxId id = 0; id < 300; ++id) {
    const auto names = db->find(id);
    if (!names) continue;
    LOOM_CHECK(!names->kingdom.empty(), "all four are there");
    const auto first = std::as_bytes(std::span(names->scientific));
    const auto last = std::as_bytes(std::span(names->kingdom));
    LOOM_CHECK(first.data() >= data.data() && last.data() + last.size() <= data.data() + data.size(),
               "within the data");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(data + 1, data + size);
  if (data[0] % 4 == 3) {
    check_taxdb(text);
    return 0;
  }
  if (data[0] % 4 == 1) {
    Image image(text);
    image.set_checksum();
    const auto all = taxonomy::Taxonomy::over(image.bytes());
    if (all) look_up_everything(*all);
    return 0;
  }
  const auto dump = parse(text, 1 + data[0] / 2U);
  LOOM_CHECK(dump.has_value() == parse(text, text.size() + 1).has_value(), "pieces make no difference");
  if (!dump) return 0;
  std::string bytes;
  const auto made = taxonomy::write_image(*dump, [&](std::span<const std::byte> more) {
    for (const std::byte byte : more) bytes += static_cast<char>(byte);
    return loom::ok();
  });
  if (!made) return 0;
  const Image image(bytes);
  const auto all = taxonomy::Taxonomy::over(image.bytes());
  LOOM_CHECK(all.has_value(), "what was made can be opened");
  check_agreement(*dump, *all);
  return 0;
}
