#include "catalog/database_files.hpp"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

// The ends of the names of a volume's files, behind p or n (blastdbv5_files.txt of the NCBI C++ toolkit, and
// what makeblastdb writes).
constexpr std::string_view kSearched[]{"in", "sq"};
constexpr std::string_view kShown[]{"hr"};
constexpr std::string_view kLookedUp[]{"og", "nd", "ni", "sd", "si", "td", "ti",
                                       "pd", "pi", "hd", "hi", "aa", "ab", "ac"};
constexpr std::string_view kShared[]{"db", "os", "ot", "tf", "to"};
constexpr std::string_view kProfiles[]{".rps", ".loo", ".freq", ".aux"};  // of rpsblast

class Collector {
 public:
  explicit Collector(Molecule molecule) : molecule_(molecule) {}

  void add(const fs::path& base, std::span<const std::string_view> kinds) {
    for (const std::string_view kind : kinds) add(base.string() + extension(molecule_, kind));
  }
  void add(const fs::path& path) {
    std::error_code absent;
    const std::uint64_t bytes = fs::file_size(path, absent);
    if (!absent && seen_.insert(path).second) files_.push_back({.path = path, .bytes = bytes});
  }
  std::vector<DatabaseFile> take() && { return std::move(files_); }

 private:
  Molecule molecule_;
  std::set<fs::path> seen_;
  std::vector<DatabaseFile> files_;
};

}  // namespace

std::optional<fs::path> shared_base(const Volume& volume) {
  const fs::path file = fs::path(volume.head().id_database).filename();
  if (file.empty()) return std::nullopt;
  return volume.base.parent_path() / file.stem();
}

std::vector<DatabaseFile> files_of(const Database& database) {
  Collector files(database.molecule);
  for (const Volume& volume : database.volumes) {
    files.add(volume.base, kSearched);
    for (const std::string_view end : kProfiles) files.add(fs::path(volume.base.string() + std::string(end)));
  }
  for (const Volume& volume : database.volumes) files.add(volume.base, kShown);
  for (const Volume& volume : database.volumes) {
    files.add(volume.base, kLookedUp);
    if (const auto shared = shared_base(volume)) files.add(*shared, kShared);
  }
  return std::move(files).take();
}

}  // namespace loom::catalog
