#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace loom::results {

/// A value to bind, or of a column.
class SqliteStatement {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  /// Text is borrowed until the statement is run again or dropped. Places count from 1.
  void text(int place, std::string_view value) {
    sqlite3_bind_text64(statement_.get(), place, value.data() != nullptr ? value.data() : "", value.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
  }
  void integer(int place, std::int64_t value) { sqlite3_bind_int64(statement_.get(), place, value); }
  void real(int place, double value) { sqlite3_bind_double(statement_.get(), place, value); }
  /// For functions that ask for a pointer of this type; it is borrowed as text is.
  void pointer(int place, const void* value, const char* type) {
    sqlite3_bind_pointer(statement_.get(), place, const_cast<void*>(value), type, nullptr);
  }
  void null(int place) { sqlite3_bind_null(statement_.get(), place); }

  enum class Step { row, done };
  Result<Step> step();
  void reset() { sqlite3_reset(statement_.get()); }
  /// step() to the first row with `id` as the first parameter.
  Result<Step> seek(std::int64_t id) {
    reset();
    integer(1, id);
    return step();
  }
  /// Calls `visit` at each row that is left.
  template <class Visit>
  Status each(Visit visit) {
    for (;;) {
      LOOM_TRY(const Step at, step());
      if (at == Step::done) return ok();
      visit();
    }
  }
  /// step() to the end of a statement that gives no rows, and reset().
  Status run();

  // Columns count from 0.
  [[nodiscard]] std::string_view text_at(int column) const;
  [[nodiscard]] std::int64_t integer_at(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }
  [[nodiscard]] double real_at(int column) const { return sqlite3_column_double(statement_.get(), column); }
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  [[nodiscard]] std::optional<std::int64_t> maybe_at(int column) const {
    return is_null(column) ? std::nullopt : std::optional(integer_at(column));
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// An open SQLite file of our own making. One thread at a time. Blocking: on disk.
class SqliteFile {
 public:
  /// Makes an empty file at `path` (readable by this user only) to be filled in one go: without a journal,
  /// so that a crash leaves it of no use. `cache_bytes` bounds the page cache, and what is sorted in memory.
  static Result<SqliteFile> create(const std::filesystem::path& path, std::uint64_t cache_bytes);
  /// Opens a file that nobody changes any more. Errors: not_found; corrupt.
  static Result<SqliteFile> open(const std::filesystem::path& path, std::uint64_t cache_bytes);

  Status script(const char* sql);
  Result<SqliteStatement> prepare(std::string_view sql);
  [[nodiscard]] sqlite3* get() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  explicit SqliteFile(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace loom::results
