#include "catalog/near_misses.hpp"

#include <filesystem>
#include <set>
#include <string_view>
#include <vector>

#include "blast/nearest.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxListed = 10'000;  // files looked at in one folder

bool is_database(const fs::path& base, Molecule molecule) {
  std::error_code ignored;
  return fs::exists(base.string() + extension(molecule, "al"), ignored) ||
         fs::exists(base.string() + extension(molecule, "in"), ignored);
}

/// The names of databases of the molecule in `folder`.
std::set<std::string> databases_in(const fs::path& folder, Molecule molecule) {
  std::set<std::string> names;
  std::error_code failed;
  std::size_t listed = 0;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    if (++listed > kMaxListed) break;
    const fs::path& path = entry->path();
    const std::string kind = path.extension().string();
    if (kind == extension(molecule, "al") || kind == extension(molecule, "in"))
      names.insert(path.stem().string());
  }
  return names;
}

std::string nearest_name(const std::string& name, Molecule molecule, const SearchPath& path) {
  const fs::path wanted(name);
  for (const auto& folder : path.folders) {
    const auto names = databases_in((folder / wanted).parent_path(), molecule);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string file = wanted.filename().string();
    if (const auto found = blast::nearest(file, views)) return (wanted.parent_path() / *found).string();
  }
  return {};
}

}  // namespace

Error not_found(const std::string& name, Molecule molecule, const SearchPath& path) {
  const Molecule other = molecule == Molecule::protein ? Molecule::nucleotide : Molecule::protein;
  for (const auto& folder : path.folders) {
    if (!is_database(folder / name, other)) continue;
    return error(Code::invalid_argument,
                 "the database '{}' holds {} sequences; this program searches {} sequences", name,
                 blast::name(other), blast::name(molecule));
  }
  std::string places;
  for (const auto& folder : path.folders) places += (places.empty() ? "" : ", ") + folder.string();
  const std::string near = nearest_name(name, molecule, path);
  return error(Code::not_found, "no {} database '{}' in {}{}{}", blast::name(molecule), name, places,
               near.empty() ? "" : fmt::format("; did you mean '{}'?", near),
               near.empty() ? "; give its path without extension, or set BLASTDB to its folder" : "");
}

}  // namespace loom::catalog
