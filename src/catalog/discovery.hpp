#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catalog/database.hpp"

namespace loom::catalog {

/// A database that lies in a folder, as its index and alias files say.
struct Discovered {
  std::string name;  ///< as in -db
  Molecule molecule = Molecule::protein;
  std::string title;
  Counts shown;
  std::uint64_t bytes = 0;    ///< of the sequence files
  std::uint32_t version = 0;  ///< of the format: 4 or 5
  std::string date;           ///< as makeblastdb wrote it
  bool profiles = false;      ///< as Database::profiles
};

/// Finds the databases in folders, again and again: one whose files look as the last time (device, inode,
/// size, time of change) is not opened again. One thread at a time. Blocking: on disk.
class Discovery {
 public:
  /// All that can be opened, by name; of one name the nucleotide database. What cannot be opened cannot be
  /// searched; it is tried again each time. Volumes of a larger database are not listed.
  const std::vector<Discovered>& scan(const SearchPath& path);

  /// How many databases the last scan opened.
  [[nodiscard]] std::size_t opened() const { return opened_; }

 private:
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t bytes = -1;  // -1: not there
    std::int64_t changed_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  using Stamps = std::vector<std::pair<std::filesystem::path, Stamp>>;
  struct Known {
    Stamps stamps;  // of the files that were read
    Discovered found;
  };
  using Name = std::pair<std::string, Molecule>;
  using Files = std::map<Name, std::filesystem::path>;  // index or alias file

  static Stamp stamp_of(const std::filesystem::path& file);
  static Stamps stamps_of(const Database& database);
  static bool look_the_same(const Stamps& stamps);
  Files look_into(const SearchPath& path);
  Result<Known> open(const Name& name, const std::filesystem::path& file, const SearchPath& path);

  std::vector<std::filesystem::path> folders_;  // of the last scan
  Stamps aliases_;                              // of all of them: one may lead to another
  std::map<Name, Known> known_;
  std::vector<Discovered> list_;
  std::size_t opened_ = 0;
};

}  // namespace loom::catalog
