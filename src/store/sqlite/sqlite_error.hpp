#pragma once
#include <sqlite3.h>

#include <string_view>

#include "base/result.hpp"

namespace loom::store::sqlite {

/// The error of the last call on `db`, which gave `result`: "what: SQLite's words; the way out". Names no
/// path.
Error sqlite_error(sqlite3* db, int result, std::string_view what);

}  // namespace loom::store::sqlite
