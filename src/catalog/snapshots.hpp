#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/temp_dir.hpp"
#include "blast/program.hpp"

namespace loom::catalog {

/// One state of a database that never changes: a folder of its own with the volumes and a manifest.
struct Snapshot {
  std::string database;          ///< its name, as in -db
  std::string id;                ///< "20261124T213000123Z-1f6b02c9": when, and eight random digits
  std::filesystem::path folder;  ///< absolute; the first folder of BLASTDB for who uses it
  blast::Molecule molecule = blast::Molecule::protein;
  std::string title;
  std::uint64_t sequences = 0;
  std::uint64_t letters = 0;
  std::uint64_t bytes = 0;  ///< of all its files
  std::string created;      ///< RFC 3339, UTC
  std::string source;       ///< where it came from, for people
  std::string fingerprint;  ///< XXH3 (128 bits, hex) of its files: names, sizes and contents
  std::string verified;     ///< when its files were last found whole; empty: never
  std::string fault;        ///< what the last look at them found wrong; empty: nothing
};

/// A new snapshot that is being filled. Destroyed before publish() took it, it leaves nothing; what a kill
/// left of one is removed when the next is begun.
struct Staging {
  std::string database;
  TempDir folder;
};

/// A folder of databases that Blastloom keeps itself: NAME/ID/ holds a snapshot, NAME/current says which one
/// counts. Files of a snapshot never change, so whoever opened one goes on with it whatever happens to the
/// name. Every change is one rename: a kill at any moment leaves the folder as before or after it
/// (doc/formats/snapshots.md). Several processes may use it at once: changes hold a lock on the folder.
/// Thread-safe. Blocking: on disk, publish() and verify for as long as it takes to read all files once.
class Snapshots {
 public:
  /// Makes the folder if it is missing. Errors: those of the file system.
  static Result<Snapshots> open(std::filesystem::path root);
  /// Of a folder that another process keeps: nothing is made or tidied. Errors: as open(); not_found.
  static Result<Snapshots> open_reading(const std::filesystem::path& root);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  /// All of them, by name and then the newest first. What has no readable manifest is left out.
  [[nodiscard]] std::vector<Snapshot> list() const;
  /// Errors: not_found, with the names or ids there are.
  [[nodiscard]] Result<Snapshot> get(const std::string& database, const std::string& id) const;
  /// The one that counts. Errors: not_found.
  [[nodiscard]] Result<Snapshot> current(const std::string& database) const;
  /// Its id; empty when there is no such database.
  [[nodiscard]] std::string current_id(const std::string& database) const;

  /// Errors: invalid_argument for a name that cannot be one; disk_full and the like.
  Result<Staging> begin(const std::string& database) const;
  /// Takes the files NAME.* of the staging folder in as a new snapshot and makes it the current one. Of
  /// `about` molecule, title, source and verified count; the rest is found out. All is durable on return.
  /// Errors: corrupt when the files are no database of that molecule.
  Result<Snapshot> publish(Staging staging, Snapshot about) const;
  /// Makes an older or newer snapshot the current one. Errors: not_found.
  Result<Snapshot> switch_to(const std::string& database, const std::string& id) const;
  /// Errors: not_found; conflict for the current one.
  Status remove(const std::string& database, const std::string& id) const;
  /// With all its snapshots. Errors: not_found.
  Status remove_all(const std::string& database) const;
  /// Keeps what a check of its files found (empty: whole) and when.
  Status keep_verdict(const Snapshot& snapshot, const std::string& fault) const;

  /// The fingerprint of a snapshot's files as they are now.
  static Result<std::string> fingerprint(const std::filesystem::path& folder);

 private:
  explicit Snapshots(std::filesystem::path root) : root_(std::move(root)) {}
  [[nodiscard]] Result<Fd> lock() const;
  [[nodiscard]] Result<Snapshot> read(const std::string& database, const std::string& id) const;
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<std::string> ids(const std::string& database) const;
  Status write_current(const std::string& database, const std::string& id) const;
  Status discard(const std::filesystem::path& folder) const;

  std::filesystem::path root_;
};

/// 1 to 100 letters, digits and "._-", of which the first is a letter or digit, and no ending that BLAST+
/// takes for a volume's number. Errors: invalid_argument, which says so.
Status check_database_name(std::string_view name);

}  // namespace loom::catalog
