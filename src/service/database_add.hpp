#pragma once
#include <stop_token>

#include "catalog/snapshots.hpp"
#include "exec/process_runner.hpp"

namespace loom::service {

/// Takes in a BLAST database that lies at `base` (a path without extension): copies its files beside those
/// there are, checks them, and makes them the current snapshot of the database's own name. What lies there is
/// not changed. Blocking, for long. Thread-safe. Errors: not_found; invalid_argument for a name that cannot
/// be, or when not all of it lies in that folder; cancelled; disk_full; corrupt.
Result<catalog::Snapshot> add_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                       const std::filesystem::path& base, std::stop_token stop);

}  // namespace loom::service
