#pragma once
#include <span>

#include "base/result.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store::sqlite {

/// The scripts that lead from an empty file to today's tables (doc/formats/store.md); script n leads from
/// version n to n + 1. A script that was released is never changed.
std::span<const char* const> migrations();

/// Brings the store to version `scripts.size()`, each script in a transaction of its own; after a failure it
/// stands at the last version that was reached. Errors: conflict when the store is of a newer version;
/// invalid_argument when the file is a database of another program.
Status migrate(Connection& db, std::span<const char* const> scripts);

/// Whether the store has version `scripts.size()`, of one that must not be changed. Errors: those of
/// migrate(); conflict also when the store is of an older version.
Status check_version(Connection& db, std::span<const char* const> scripts);

}  // namespace loom::store::sqlite
