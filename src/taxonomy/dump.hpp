#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace loom::taxonomy {

/// NCBI's number of a taxon: 1 (the root) to 2,147,483,647.
using TaxId = std::uint32_t;

/// What a name is to its taxon, in the order of preference. Names of other classes (authorities, type
/// material, …) are not kept.
enum class NameKind : std::uint8_t {
  scientific,
  genbank_common,
  common,
  synonym,
  equivalent,
  acronym,
  blast,
  misspelling
};
inline constexpr std::size_t kNameKinds = 8;

/// "scientific name", "genbank common name", …, as in names.dmp.
std::string_view name(NameKind kind);

/// What a taxdump says, as it stands there: nothing is known about how its parts fit (image.hpp).
struct Dump {
  struct Node {
    TaxId id;
    TaxId parent;        ///< the root's is itself
    std::uint32_t rank;  ///< in ranks
  };
  struct Name {
    TaxId id;
    std::uint32_t start;  ///< in text
    std::uint16_t bytes;
    NameKind kind;
  };
  std::vector<Node> nodes;
  std::vector<Name> names;
  std::vector<std::pair<TaxId, TaxId>> merged;  ///< old, new
  std::vector<TaxId> deleted;
  std::vector<std::string> ranks;  ///< each once
  std::string text;                ///< of all names
};

enum class DumpFile { nodes, names, merged, deleted };
inline constexpr std::array kDumpFiles{DumpFile::nodes, DumpFile::names, DumpFile::merged, DumpFile::deleted};
/// "nodes.dmp", "names.dmp", "merged.dmp", "delnodes.dmp".
std::string_view name(DumpFile file);

/// Reads the files of a dump, in any order, in pieces of any size. Format: rows end with "\t|\n", fields are
/// parted by "\t|\t" (taxdump_readme.txt of NCBI); fields behind those that are needed are not looked at.
/// One thread at a time.
class DumpParser {
 public:
  /// The next bytes of `file`. Errors: corrupt, with the file and line; too_large past 4 GiB of names, 2^31
  /// rows, or 64 KiB in a row.
  Status add(DumpFile file, std::string_view bytes);
  /// The file is read. A last line without its end counts. Errors: as add.
  Status end(DumpFile file);

  /// Nothing may be added after this.
  Dump take() && { return std::move(dump_); }

 private:
  struct Place {
    std::uint64_t line = 0;
    std::string carry;  // of a row that is cut by the end of the bytes so far
  };
  Status row(DumpFile file, std::string_view line);
  Status parse(DumpFile file, std::string_view line);
  Status parse_node(std::string_view line);
  Status parse_name(std::string_view line);
  Place& place(DumpFile file) { return places_[static_cast<std::size_t>(file)]; }

  Dump dump_;
  std::array<Place, kDumpFiles.size()> places_;
};

/// Reads nodes.dmp and names.dmp, and merged.dmp and delnodes.dmp if they are there, from a folder or from an
/// archive (taxdump.tar.gz; libarchive tells the format). Blocking: on disk. Errors: not_found if one of the
/// first two is missing; corrupt; too_large; cancelled when `stop` is requested.
Result<Dump> read_dump(const std::filesystem::path& source, std::stop_token stop = {});

}  // namespace loom::taxonomy
