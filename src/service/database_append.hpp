#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "catalog/snapshots.hpp"
#include "exec/process_runner.hpp"

namespace loom::service {

/// A snapshot whose volumes a new one goes on with.
struct Base {
  catalog::Snapshot snapshot;
  bool has_ids = false;
  std::uint32_t version = 5;         ///< of the format
  std::vector<std::string> volumes;  ///< as its alias file names them, or its own name
  std::string addition;              ///< the name of the volume to come: NAME.add001, …
};

/// Puts the files of the current snapshot of `name` into `folder`: the same files under another name (hard
/// links), for they never change. Errors: not_found; invalid_argument when it is of the other molecule, or
/// its alias file chooses among the sequences, so that volumes cannot just be put side by side.
Result<Base> take_over(const catalog::Snapshots& snapshots, const std::string& name,
                       std::optional<blast::Molecule> molecule, const std::filesystem::path& folder);

/// Refuses ids of the addition that the base has. Blocking: on blastdbcmd. Errors: invalid_argument with the
/// first of them; those of the runner.
Status check_new_ids(exec::ProcessRunner& runner, const Base& base, const std::filesystem::path& folder,
                     std::stop_token stop);

/// Writes the alias file over both. Errors: those of AtomicFile.
Status write_alias(const Base& base, const std::string& title, const std::filesystem::path& folder);

}  // namespace loom::service
