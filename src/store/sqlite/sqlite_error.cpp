#include "store/sqlite/sqlite_error.hpp"

#include <cerrno>

namespace loom::store::sqlite {
namespace {

struct Meaning {
  Code code;
  std::string_view way_out;
};

constexpr Meaning kDiskFull{Code::disk_full, "; free space on the disk of the job store"};

Meaning meaning_of(int result, int number) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return kDiskFull;
    case SQLITE_IOERR:
      if (number == ENOSPC || number == EDQUOT) return kDiskFull;
      return {Code::unavailable, "; look at the disk of the job store"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::corrupt, "; restore the job store from a backup"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::unavailable, "; another program holds the job store"};
    case SQLITE_INTERRUPT:
      return {Code::timed_out, ": the deadline passed"};
    case SQLITE_NOMEM:
      return {Code::out_of_memory, ""};
    case SQLITE_TOOBIG:
      return {Code::too_large, ""};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return {Code::invalid_argument, "; give this user the right to write the job store and its folder"};
    default:
      return {Code::internal, ""};
  }
}

}  // namespace

Error sqlite_error(sqlite3* db, int result, std::string_view what) {
  const int number = db != nullptr ? sqlite3_system_errno(db) : 0;
  const char* words = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(result);
  const Meaning meaning = meaning_of(result, number);
  return error(meaning.code, "{}: {}{}", what, words, meaning.way_out);
}

}  // namespace loom::store::sqlite
