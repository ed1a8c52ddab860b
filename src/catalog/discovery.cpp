#include "catalog/discovery.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/folder.hpp"
#include "catalog/volume.hpp"

namespace loom::catalog {

namespace fs = std::filesystem;

namespace {

/// "nt.00" is a volume of "nt".
bool volume_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot != std::string::npos && dot > 0 && dot + 1 < name.size() &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1, name.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

bool is_alias(const fs::path& file) {
  const std::string ending = file.extension().string();
  return ending == ".pal" || ending == ".nal";
}

fs::path with_ending(const fs::path& base, const std::string& ending) {
  return {base.string() + ending};
}

}  // namespace

Discovery::Stamp Discovery::stamp_of(const fs::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return {};
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {status.st_dev, status.st_ino, status.st_size,
          status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

Discovery::Stamps Discovery::stamps_of(const Database& database) {
  Stamps stamps;
  for (const Volume& volume : database.volumes) {
    const fs::path index = with_ending(volume.base, extension(database.molecule, "in"));
    stamps.emplace_back(index, stamp_of(index));
  }
  return stamps;
}

bool Discovery::look_the_same(const Stamps& stamps) {
  return std::ranges::all_of(stamps, [](const auto& one) { return stamp_of(one.first) == one.second; });
}

Discovery::Files Discovery::look_into(const SearchPath& path) {
  Files found;
  Stamps aliases;
  const auto look_at = [&](const fs::directory_entry& entry) {
    const fs::path& file = entry.path();
    const std::string ending = file.extension().string();
    const std::string name = file.stem().string();
    const bool protein = ending == ".pin" || ending == ".pal";
    if (!protein && ending != ".nin" && ending != ".nal") return;
    if (is_alias(file)) {
      aliases.emplace_back(file, stamp_of(file));
    } else if (volume_name(name)) {
      const std::string whole = name.substr(0, name.rfind('.'));
      std::error_code hidden;
      if (fs::exists(file.parent_path() / (whole + (protein ? ".pal" : ".nal")), hidden)) return;
    }
    found.try_emplace({name, protein ? Molecule::protein : Molecule::nucleotide}, file);
  };
  // A folder that cannot be read has no databases.
  for (const fs::path& folder : path.folders) static_cast<void>(for_entries(folder, look_at));
  std::ranges::sort(aliases, {}, &Stamps::value_type::first);
  if (aliases != aliases_)  // any of them may lead to the changed one
    std::erase_if(known_, [](const auto& one) { return is_alias(one.second.stamps.front().first); });
  aliases_ = std::move(aliases);
  return found;
}

Result<Discovery::Known> Discovery::open(const Name& name, const fs::path& file, const SearchPath& path) {
  ++opened_;
  Known known;
  known.stamps.emplace_back(file, stamp_of(file));  // before it is read
  LOOM_TRY(const Database database, open_database('"' + name.first + '"', name.second, path));
  for (auto& stamp : stamps_of(database)) known.stamps.push_back(std::move(stamp));
  known.found = {.name = name.first,
                 .molecule = name.second,
                 .title = database.title,
                 .shown = database.shown,
                 .bytes = database.bytes,
                 .version = database.version,
                 .date = database.date,
                 .profiles = database.profiles};
  return known;
}

const std::vector<Discovered>& Discovery::scan(const SearchPath& path) {
  opened_ = 0;
  if (path.folders != folders_) known_.clear();
  folders_ = path.folders;
  const Files files = look_into(path);
  std::erase_if(known_, [&](const auto& one) {
    const auto found = files.find(one.first);
    return found == files.end() || found->second != one.second.stamps.front().first ||
           !look_the_same(one.second.stamps);
  });
  list_.clear();
  for (const auto& [name, file] : files) {
    auto known = known_.find(name);
    if (known == known_.end()) {
      auto opened = open(name, file, path);
      if (!opened) continue;
      known = known_.emplace(name, *std::move(opened)).first;
    }
    if (list_.empty() || list_.back().name != name.first) list_.push_back(known->second.found);
  }
  return list_;
}

}  // namespace loom::catalog
