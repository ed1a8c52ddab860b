#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "catalog/database.hpp"

namespace loom::catalog {

/// Path, without extension, of the files that a volume of format 5 shares with the database's other volumes
/// (ids and taxids). nullopt in format 4.
std::optional<std::filesystem::path> shared_base(const Volume& volume);

struct DatabaseFile {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

/// The files of a database that are there, each once, in the order in which they serve a search: index and
/// sequences of each volume (without them nothing is searched), then the headers (for output), then ids,
/// taxids and masks. Without alias files, which are small. Blocking: on disk, no reading.
std::vector<DatabaseFile> files_of(const Database& database);

}  // namespace loom::catalog
