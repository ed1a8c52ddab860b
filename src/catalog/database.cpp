#include "catalog/database.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/check.hpp"
#include "base/number.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/near_misses.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxDepth = 32;  // of alias files in alias files

/// An alias file, or (at the top) the -db argument, with what its list leads to.
struct Node {
  fs::path base;
  AliasValues values;
  std::vector<Node> nodes;
  std::vector<fs::path> volumes;  // without extension, each once
};

bool exists(const fs::path& base, Molecule molecule, std::string_view kind) {
  std::error_code ignored;
  return fs::exists(base.string() + extension(molecule, kind), ignored);
}

/// The matrices of rpsblast lie in files of no molecule.
bool holds_profiles(const fs::path& base) {
  std::error_code ignored;
  return fs::exists(base.string() + ".rps", ignored);
}

/// Volumes are compared by this: links among the folders are followed, a link of the file's name is not.
fs::path normal(const fs::path& base) {
  std::error_code failed;
  const fs::path folder =
      fs::weakly_canonical(fs::absolute(base.parent_path().empty() ? "." : base.parent_path()), failed);
  return (failed ? base.parent_path() : folder) / base.filename();
}

class Resolver {
 public:
  Resolver(Molecule molecule, const SearchPath& path) : molecule_(molecule), path_(path) {}

  /// The first folder of the search path that has an alias or a volume of this name.
  [[nodiscard]] std::optional<fs::path> find(const std::string& name) const {
    for (const auto& folder : path_.folders) {
      fs::path base = folder / name;
      if (exists(base, molecule_, "al") || exists(base, molecule_, "in")) return base;
    }
    return std::nullopt;
  }

  /// Adds what `name` leads to: `base` is where it would stand, `local` whether a volume of this file name in
  /// the working folder goes first.
  Status expand(const std::string& name, const fs::path& base, bool local, Node& node) {
    if (exists(base, molecule_, "al")) return add_alias(base, node);
    const fs::path here = path_.folders.front() / fs::path(name).filename();
    if (local && exists(here, molecule_, "in")) return add_volume(here, node);
    if (exists(base, molecule_, "in")) return add_volume(base, node);
    const auto elsewhere = find(name);
    if (!elsewhere) {
      return error(Code::not_found, "{}{}: names the database '{}', which is nowhere to be found",
                   node.base.string(), extension(molecule_, "al"), name);
    }
    return exists(*elsewhere, molecule_, "al") ? add_alias(*elsewhere, node) : add_volume(*elsewhere, node);
  }

 private:
  static Status add_volume(const fs::path& base, Node& node) {
    fs::path volume = normal(base);
    if (std::ranges::find(node.volumes, volume) == node.volumes.end())
      node.volumes.push_back(std::move(volume));
    return ok();
  }

  Status add_alias(const fs::path& base, Node& parent) {
    const std::string file = base.string() + extension(molecule_, "al");
    const fs::path self = normal(base);
    if (std::ranges::find(open_, self) != open_.end() || open_.size() >= kMaxDepth) {
      return error(Code::corrupt, "{}: alias files name each other in a circle, or {} deep", file, kMaxDepth);
    }
    std::ifstream in(file, std::ios::binary);
    if (!in) return error(Code::not_found, "{}: cannot be read", file);
    Node node;
    node.base = base;
    node.values = parse_alias(std::string(std::istreambuf_iterator<char>(in), {}));
    const auto names = split_names(node.values["DBLIST"]);
    if (names.empty()) return error(Code::corrupt, "{}: the alias file has no DBLIST", file);
    open_.push_back(self);
    for (const auto& name : names) {
      // An alias may stand before a volume of its own name.
      const bool own_volume = name == base.filename();
      LOOM_CHECKED(own_volume ? add_volume(base, node) : expand(name, base.parent_path() / name, true, node));
    }
    open_.pop_back();
    parent.nodes.push_back(std::move(node));
    return ok();
  }

  Molecule molecule_;
  const SearchPath& path_;
  std::vector<fs::path> open_;
};

using VolumeMap = std::map<fs::path, std::shared_ptr<const VolumeIndex>>;

Status open_volumes(const Node& node, Molecule molecule, VolumeMap& volumes) {
  for (const auto& base : node.volumes) {
    if (volumes.contains(base)) continue;
    LOOM_TRY(auto index, VolumeIndex::open(base, molecule));
    volumes.emplace(base, std::move(index));
  }
  for (const auto& child : node.nodes) LOOM_CHECKED(open_volumes(child, molecule, volumes));
  return ok();
}

// How BLAST+ reads a value off the tree: a node that states it answers for all below; else its alias files,
// then its volumes add up.
Result<std::uint64_t> total(const Node& node, std::string_view key, const VolumeMap& volumes,
                            std::uint64_t (*of_volume)(const IndexHead&)) {
  if (const auto found = node.values.find(key); found != node.values.end()) {
    if (const auto value = number_of<std::uint64_t>(found->second); value) return *value;
    return error(Code::corrupt, "{}: {} is no count: '{}'", node.base.string(), key, found->second);
  }
  std::uint64_t sum = 0;
  for (const auto& child : node.nodes) {
    LOOM_TRY(const std::uint64_t part, total(child, key, volumes, of_volume));
    sum += part;
  }
  for (const auto& base : node.volumes) sum += of_volume(volumes.at(base)->head());
  return sum;
}

std::uint64_t sequences_of(const IndexHead& head) {
  return head.sequences;
}
std::uint64_t letters_of(const IndexHead& head) {
  return head.letters;
}
std::uint64_t nothing(const IndexHead& /*head*/) {
  return 0;
}

Result<Counts> shown_counts(const Node& node, const VolumeMap& volumes) {
  Counts counts;
  LOOM_TRY(counts.sequences, total(node, "NSEQ", volumes, sequences_of));
  LOOM_TRY(counts.letters, total(node, "LENGTH", volumes, letters_of));
  return counts;
}

/// BLAST+ takes each number that is not 0.
Result<Counts> statistics_counts(const Node& node, const VolumeMap& volumes, const Counts& shown) {
  LOOM_TRY(const std::uint64_t sequences, total(node, "STATS_NSEQ", volumes, nothing));
  LOOM_TRY(const std::uint64_t letters, total(node, "STATS_TOTLEN", volumes, nothing));
  return Counts{.sequences = sequences == 0 ? shown.sequences : sequences,
                .letters = letters == 0 ? shown.letters : letters};
}

void join(std::string& titles, std::string_view more) {
  if (!titles.empty() && !more.empty()) titles += "; ";
  titles += more;
}

std::string title_of(const Node& node, const VolumeMap& volumes) {
  if (const auto found = node.values.find("TITLE"); found != node.values.end()) return found->second;
  std::string titles;
  for (const auto& child : node.nodes) join(titles, title_of(child, volumes));
  for (const auto& base : node.volumes) join(titles, volumes.at(base)->head().title);
  return titles;
}

/// Minutes or so on an arbitrary scale, to compare; nullopt if it is no date of makeblastdb.
std::optional<std::int64_t> date_rank(const std::string& text) {
  std::tm when{};
  const char* end = ::strptime(text.c_str(), "%b %d, %Y %I:%M %p", &when);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ((((std::int64_t{when.tm_year} * 12 + when.tm_mon) * 31 + when.tm_mday) * 24 + when.tm_hour) * 60) +
         when.tm_min;
}

std::string newest_date(const Node& node, const VolumeMap& volumes) {
  std::string newest;
  const auto consider = [&](const std::string& date) {
    if (newest.empty() || date_rank(date) > date_rank(newest)) newest = date;
  };
  for (const auto& child : node.nodes) consider(newest_date(child, volumes));
  for (const auto& base : node.volumes) consider(volumes.at(base)->head().date);
  return newest;
}

/// The first alias file that selects some of its sequences only.
std::string selection(const Node& node, Molecule molecule) {
  for (const std::string_view key : {"GILIST", "TILIST", "SEQIDLIST", "TAXIDLIST", "OIDLIST", "FIRST_OID",
                                     "LAST_OID", "MEMB_BIT", "MASKLIST", "MIN_SEQ_LENGTH"}) {
    if (node.values.contains(key)) {
      return fmt::format("the alias file {}{} has {}, which an OID range of it cannot express",
                         node.base.string(), extension(molecule, "al"), key);
    }
  }
  for (const auto& child : node.nodes) {
    if (auto found = selection(child, molecule); !found.empty()) return found;
  }
  return {};
}

/// BLAST+ gives OIDs in this order whatever DBLIST says.
bool before(const fs::path& a, const fs::path& b) {
  return std::pair(a.filename().string(), a.string()) < std::pair(b.filename().string(), b.string());
}

Status add_volumes(const VolumeMap& opened, Database& database) {
  std::vector<fs::path> bases;
  for (const auto& [base, index] : opened) bases.push_back(base);
  std::ranges::sort(bases, before);
  database.has_ids = true;
  database.profiles = true;
  std::uint64_t sequences = 0;
  for (const auto& base : bases) {
    const auto& index = opened.at(base);
    database.volumes.push_back(
        {.base = base, .first_oid = static_cast<std::uint32_t>(sequences), .index = index});
    sequences += index->head().sequences;
    if (sequences > std::uint64_t{std::numeric_limits<std::int32_t>::max()}) {
      return error(Code::too_large, "{}: more than 2,147,483,647 sequences, which BLAST+ cannot number",
                   database.names);
    }
    database.letters += index->head().letters;
    database.longest = std::max(database.longest, index->head().longest);
    database.has_ids = database.has_ids && exists(base, database.molecule, "og");
    database.profiles = database.profiles && holds_profiles(base);
    std::error_code failed;
    const auto bytes = fs::file_size(base.string() + extension(database.molecule, "sq"), failed);
    if (failed)
      return error(Code::not_found, "{}{}: the sequences of this volume are missing", base.string(),
                   extension(database.molecule, "sq"));
    database.bytes += bytes;
  }
  database.sequences = static_cast<std::uint32_t>(sequences);
  database.version = database.volumes.front().head().version;
  for (const auto& volume : database.volumes) {
    if (volume.head().version != database.version) {
      return error(Code::invalid_argument,
                   "{}: mixes databases of formats 4 and 5, which BLAST+ refuses; rebuild one with "
                   "makeblastdb -blastdb_version",
                   database.names);
    }
  }
  return ok();
}

Status fill(const Node& top, const VolumeMap& volumes, Database& database) {
  LOOM_CHECKED(add_volumes(volumes, database));
  database.title = title_of(top, volumes);
  database.date = newest_date(top, volumes);
  LOOM_TRY(database.shown, shown_counts(top, volumes));
  LOOM_TRY(database.statistics, statistics_counts(top, volumes, database.shown));
  database.unshardable = selection(top, database.molecule);
  return ok();
}

/// What one name leads to, as if it stood alone.
Result<DatabasePart> describe(const std::string& name, const fs::path& base, const Node& node,
                              const VolumeMap& volumes) {
  DatabasePart part{.name = name,
                    .base = normal(base),
                    .title = title_of(node, volumes),
                    .date = newest_date(node, volumes),
                    .shown = {}};
  LOOM_TRY(part.shown, shown_counts(node, volumes));
  return part;
}

void merge(Node part, Node& top) {
  std::ranges::move(part.nodes, std::back_inserter(top.nodes));
  for (auto& base : part.volumes)
    if (std::ranges::find(top.volumes, base) == top.volumes.end()) top.volumes.push_back(std::move(base));
}

}  // namespace

std::uint64_t Database::letters_before(std::uint32_t oid) const {
  LOOM_CHECK(oid <= sequences, "an OID of this database, or one past the last");
  std::uint64_t sum = 0;
  for (const auto& volume : volumes) {
    if (oid <= volume.first_oid) break;
    sum += volume.index->letters_before(std::min(oid - volume.first_oid, volume.head().sequences));
  }
  return sum;
}

Result<Database> open_database(std::string_view names, Molecule molecule, const SearchPath& path) {
  LOOM_CHECK(!path.folders.empty(), "a search path starts with the working folder");
  const auto list = split_names(names);
  if (list.empty()) return error(Code::invalid_argument, "-db names no database");
  Database database;
  database.names = names;
  database.molecule = molecule;
  Resolver resolver(molecule, path);
  Node top;
  VolumeMap volumes;
  for (const auto& name : list) {
    const auto base = resolver.find(name);
    if (!base) return not_found(name, molecule, path);
    Node node;
    LOOM_CHECKED(resolver.expand(name, *base, name.find('/') == std::string::npos, node));
    LOOM_CHECKED(open_volumes(node, molecule, volumes));
    LOOM_TRY(auto part, describe(name, *base, node, volumes));
    join(database.engine_title, part.title);
    database.parts.push_back(std::move(part));
    merge(std::move(node), top);
  }
  LOOM_CHECKED(fill(top, volumes, database));
  return database;
}

}  // namespace loom::catalog
