#include "results/sqlite_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "base/fd.hpp"

namespace loom::results {
namespace {

Error failed(sqlite3* db, int result) {
  const char* words = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(result);
  const int number = db != nullptr ? sqlite3_system_errno(db) : 0;
  switch (result & 0xff) {
    case SQLITE_FULL:
      return error(Code::disk_full, "hit index: {}; free space on the disk", words);
    case SQLITE_IOERR:
      if (number == ENOSPC || number == EDQUOT)
        return error(Code::disk_full, "hit index: {}; free space on the disk", words);
      return error(Code::unavailable, "hit index: {}; look at the disk", words);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return error(Code::corrupt, "hit index: {}; remove it, and it is made again", words);
    case SQLITE_INTERRUPT:
      return error(Code::timed_out, "hit index: the deadline passed");
    case SQLITE_CANTOPEN:
      return error(Code::not_found, "hit index: {}", words);
    case SQLITE_NOMEM:
      return error(Code::out_of_memory, "hit index: {}", words);
    default:
      return error(Code::internal, "hit index: {}", words);
  }
}

}  // namespace

Result<SqliteStatement::Step> SqliteStatement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return Step::row;
  if (result == SQLITE_DONE) return Step::done;
  return failed(sqlite3_db_handle(statement_.get()), result);
}

Status SqliteStatement::run() {
  const int result = sqlite3_step(statement_.get());
  if (result != SQLITE_DONE && result != SQLITE_ROW)
    return failed(sqlite3_db_handle(statement_.get()), result);
  sqlite3_reset(statement_.get());
  return ok();
}

std::string_view SqliteStatement::text_at(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::string_view() : std::string_view(data, static_cast<std::size_t>(size));
}

Result<SqliteFile> SqliteFile::create(const std::filesystem::path& path, std::uint64_t cache_bytes) {
  const Fd made(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!made) return system_error(errno, "make a hit index");
  sqlite3* db = nullptr;
  const int result = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE, nullptr);
  SqliteFile file(db);
  if (result != SQLITE_OK) return failed(db, result);
  LOOM_CHECKED(
      file.script("PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                  "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=FILE; PRAGMA threads=0;"));
  LOOM_CHECKED(file.script(fmt::format("PRAGMA cache_size=-{}", cache_bytes / 1024).c_str()));
  return file;
}

Result<SqliteFile> SqliteFile::open(const std::filesystem::path& path, std::uint64_t cache_bytes) {
  // "immutable" spares every lock and look at the file's time.
  std::string uri = "file:";
  for (const char c : path.string()) {
    const bool special = c == '?' || c == '#' || c == '%';
    uri += special ? fmt::format("%{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  sqlite3* db = nullptr;
  const int result = sqlite3_open_v2(
      (uri + "?immutable=1").c_str(), &db,
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  SqliteFile file(db);
  if (result != SQLITE_OK) return failed(db, result);
  LOOM_CHECKED(file.script("PRAGMA temp_store=MEMORY;"));
  LOOM_CHECKED(file.script(fmt::format("PRAGMA cache_size=-{}", cache_bytes / 1024).c_str()));
  return file;
}

Status SqliteFile::script(const char* sql) {
  const int result = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (result == SQLITE_OK) return ok();
  return failed(db_.get(), result);
}

Result<SqliteStatement> SqliteFile::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), 0, &statement, nullptr);
  if (result != SQLITE_OK) return failed(db_.get(), result);
  return SqliteStatement(statement);
}

}  // namespace loom::results
