#include "catalog/shards.hpp"

#include <algorithm>
#include <string>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "catalog/alias_file.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

/// The first OID below which at least `letters` letters lie.
std::uint32_t oid_at(const Database& database, std::uint64_t letters) {
  std::uint32_t low = 0;
  std::uint32_t high = database.sequences;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (database.letters_before(middle) < letters) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/// letters * part / parts without overflow: databases have up to 2^63 letters.
std::uint64_t share(std::uint64_t letters, std::uint32_t part, std::uint32_t parts) {
  return letters / parts * part + letters % parts * part / parts;
}

Status check_paths(const Database& database) {
  for (const auto& volume : database.volumes) {
    if (can_name(volume.base.string())) continue;
    return error(
        Code::invalid_argument,
        "{}: no alias file can name a path with a quote, backslash, tab or line feed; search it unsharded",
        volume.base.string());
  }
  return ok();
}

Status check_part(const Database& database, std::string_view name) {
  LOOM_CHECK(!name.empty() && name.find_first_of(" \t\"/\\") == std::string_view::npos, "a plain file name");
  if (!database.unshardable.empty()) {
    return error(Code::invalid_argument, "{}: {}", database.names, database.unshardable);
  }
  return check_paths(database);
}

/// One line of the alias file: what cannot stand in a line becomes a blank.
std::string title_line(std::string title) {
  std::ranges::replace_if(title, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return title;
}

std::string pin_lines(const Pins& pins) {
  std::string text = fmt::format("NSEQ {}\nLENGTH {}\nSTATS_NSEQ {}\nSTATS_TOTLEN {}\n", pins.shown.sequences,
                                 pins.shown.letters, pins.statistics.sequences, pins.statistics.letters);
  if (pins.shortest > 0) text += fmt::format("MIN_SEQ_LENGTH {}\n", pins.shortest);
  return text;
}

template <class Bytes>
Status write_file(const fs::path& path, const Bytes& bytes) {
  LOOM_TRY(auto file, AtomicFile::create(path));
  LOOM_CHECKED(file.write(bytes));
  return file.commit();
}

/// The index of the highest OID, big-endian, then one bit for each, most significant first, in whole words.
std::string bit_mask(std::uint32_t sequences, std::uint32_t first_oid, std::span<const std::uint32_t> oids) {
  const std::uint32_t highest = sequences == 0 ? 0 : sequences - 1;
  std::string mask(4 + (std::size_t{highest} + 32) / 32 * 4, '\0');
  for (unsigned i = 0; i < 4; ++i) mask[i] = static_cast<char>(highest >> (24U - 8U * i) & 0xFFU);
  for (const std::uint32_t oid : oids) {
    const std::uint32_t bit = oid - first_oid;
    char& byte = mask[4 + bit / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | 0x80U >> bit % 8);
  }
  return mask;
}

Status check_oids(const Database& database, std::span<const std::uint32_t> oids) {
  if (oids.empty()) return error(Code::invalid_argument, "{}: no sequence is selected", database.names);
  if (std::ranges::adjacent_find(oids, std::greater_equal{}) != oids.end() ||
      oids.back() >= database.sequences) {
    return error(Code::invalid_argument, "{}: the OIDs to select must rise and lie below {}", database.names,
                 database.sequences);
  }
  return ok();
}

}  // namespace

std::vector<OidRange> cut_shards(const Database& database, std::uint32_t parts) {
  LOOM_CHECK(parts >= 1, "at least one part");
  std::vector<OidRange> shards;
  std::uint32_t begin = 0;
  std::uint64_t letters = 0;
  for (std::uint32_t part = 1; part <= parts && begin < database.sequences; ++part) {
    std::uint32_t end =
        part == parts ? database.sequences : oid_at(database, share(database.letters, part, parts));
    if (part < parts) end = std::clamp(end, begin, database.sequences);
    if (end == begin) continue;
    const std::uint64_t below = database.letters_before(end);
    shards.push_back({.begin = begin, .end = end, .letters = below - letters});
    begin = end;
    letters = below;
  }
  return shards;
}

Pins whole(const Database& database) {
  return {.shown = database.shown, .statistics = database.statistics};
}

Pins selected(const Database& database, std::span<const std::uint32_t> oids) {
  Pins pins;
  auto volume = database.volumes.begin();
  for (const std::uint32_t oid : oids) {
    while (oid - volume->first_oid >= volume->head().sequences) ++volume;
    const std::uint32_t letters = volume->index->scanned_letters(oid - volume->first_oid);
    pins.shown.letters += letters;
    if (pins.shown.sequences++ == 0 || letters < pins.shortest) pins.shortest = letters;
  }
  pins.statistics = pins.shown;
  return pins;
}

Result<fs::path> write_shard_alias(const fs::path& folder, std::string_view name, const Database& database,
                                   const OidRange& range, const Pins& pins) {
  LOOM_CHECKED(check_part(database, name));
  LOOM_CHECK(range.begin < range.end && range.end <= database.sequences, "a range of this database");
  std::string text = fmt::format("TITLE {}\nDBLIST", title_line(database.engine_title));
  for (const auto& volume : database.volumes) text += ' ' + quoted_name(volume.base.string());
  text += fmt::format("\nFIRST_OID {}\nLAST_OID {}\n", range.begin + 1, range.end);
  text += pin_lines(pins);
  fs::path base = fs::absolute(folder / name);
  LOOM_CHECKED(write_file(base.string() + extension(database.molecule, "al"), std::string_view(text)));
  return base;
}

Result<fs::path> write_subset_alias(const fs::path& folder, std::string_view name, const Database& database,
                                    std::span<const std::uint32_t> oids, const Pins& pins) {
  LOOM_CHECKED(check_part(database, name));
  LOOM_CHECKED(check_oids(database, oids));
  const std::string kind = extension(database.molecule, "al");
  std::string top = fmt::format("TITLE {}\nDBLIST", title_line(database.engine_title));
  auto first = oids.begin();
  for (std::size_t i = 0; i < database.volumes.size(); ++i) {
    const Volume& volume = database.volumes[i];
    const std::uint32_t sequences = volume.head().sequences;
    const auto last = std::lower_bound(first, oids.end(), volume.first_oid + sequences);
    const std::string part = fmt::format("{}.{}", name, i);
    LOOM_CHECKED(write_file(folder / (part + ".msk"),
                            std::string_view(bit_mask(sequences, volume.first_oid, {first, last}))));
    const auto alias = fmt::format("DBLIST {}\nOIDLIST {}.msk\n", quoted_name(volume.base.string()), part);
    LOOM_CHECKED(write_file(folder / (part + kind), std::string_view(alias)));
    top += ' ' + part;
    first = last;
  }
  top += '\n' + pin_lines(pins);
  fs::path base = fs::absolute(folder / name);
  LOOM_CHECKED(write_file(base.string() + kind, std::string_view(top)));
  return base;
}

}  // namespace loom::catalog
