#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "catalog/database.hpp"

namespace loom::catalog {

/// How much of a database's files (files_of) is in the page cache, in bytes.
struct Residency {
  std::uint64_t bytes = 0;
  std::uint64_t resident_bytes = 0;
  /// Of files about which the kernel tells this user nothing: since Linux 5.2 mincore answers only the owner
  /// of a file and those who may write to it. Not part of resident_bytes.
  std::uint64_t unknown_bytes = 0;
};

/// Reads nothing of the files. Thread-safe. Blocking: maps each file; 1 ms for some GB. Errors: those of
/// opening and mapping a file, with its path.
Result<Residency> residency(const Database& database);

struct WarmProgress {
  std::uint64_t planned_bytes = 0;  ///< of the files' first budget_bytes
  std::uint64_t done_bytes = 0;     ///< of those: read, or found resident
  std::uint64_t read_bytes = 0;     ///< of those: read
};

struct WarmOptions {
  /// How much of the page cache the database may take in all, what is resident already included: the first
  /// so many bytes of its files, in the order of files_of.
  std::uint64_t budget_bytes = UINT64_MAX;
  Deadline deadline = Deadline::never();
  std::stop_token stop{};
  /// Called in the calling thread after each 4 MiB; may be empty.
  std::function<void(const WarmProgress&)> progress{};
};

enum class WarmEnd { whole, budget_spent, deadline, stopped };

struct Warmed {
  WarmEnd end = WarmEnd::whole;
  WarmProgress progress;
  Residency residency;  ///< afterwards: the kernel may have dropped pages meanwhile
};

/// Reads what is not resident into the page cache, file by file from the front; pages that are resident are
/// not read again. Thread-safe. Blocking: reads from the disk; looks at stop and deadline every 4 MiB. What
/// was read stays read however it ends. Errors: those of opening and reading a file, with its path.
Result<Warmed> warm(const Database& database, const WarmOptions& options);

}  // namespace loom::catalog
