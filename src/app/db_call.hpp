#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "app/flags.hpp"
#include "base/result.hpp"
#include "catalog/snapshots.hpp"

namespace loom::app {

/// One call of `blastloom db`.
struct DbCall {
  std::filesystem::path data;      ///< --data
  catalog::Snapshots snapshots;    ///< of data
  std::vector<std::string> words;  ///< behind the command: NAME, ID or PATH
  Arguments arguments;

  /// Flags are named without their dashes.
  [[nodiscard]] bool has(std::string_view flag) const { return arguments.has(flag); }
  /// The last one given; empty if none was.
  [[nodiscard]] std::string value(std::string_view flag) const { return arguments.value(flag); }
  /// Errors: invalid_argument, which names the flag.
  [[nodiscard]] Result<std::uint32_t> number(std::string_view flag, std::uint32_t least) const;
  /// The snapshot that the words NAME [ID] mean: without an id the current one. Errors: not_found.
  [[nodiscard]] Result<catalog::Snapshot> snapshot() const;
};

inline constexpr int kDamaged = 2;  ///< exit code

// The commands: each prints what it did and gives the exit code.

// db_make.cpp
Result<int> db_build(const DbCall& call);
Result<int> db_add(const DbCall& call);
Result<int> db_fetch(const DbCall& call);
Result<int> db_taxonomy(const DbCall& call);
// db_change.cpp
Result<int> db_rollback(const DbCall& call);
Result<int> db_remove(const DbCall& call);
Result<int> db_prune(const DbCall& call);
Result<int> db_verify(const DbCall& call);
Result<int> db_warm(const DbCall& call);
// db_look.cpp
Result<int> db_list(const DbCall& call);
Result<int> db_info(const DbCall& call);
Result<int> db_metadata(const DbCall& call);
Result<int> db_sequences(const DbCall& call);
Result<int> db_recommend(const DbCall& call);

}  // namespace loom::app
