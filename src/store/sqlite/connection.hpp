#pragma once
#include <sqlite3.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/sqlite/statement.hpp"

namespace loom::store::sqlite {

/// An open SQLite file with the statements prepared on it. One thread at a time. Blocking: on disk, and up to
/// 5 s on another program that writes the same file.
class Connection {
 public:
  enum class Mode { write, read };

  /// Mode::write makes the file if it is missing (readable by this user only) and puts it in WAL mode with
  /// synchronous=FULL. `vfs`: SQLite's name of a file layer; nullptr is the usual one.
  /// Errors, with the path and the way out: corrupt when the file is no database or damaged; not_found when
  /// its folder is missing; invalid_argument when it must not be written; disk_full.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& path, Mode mode,
                                                  const char* vfs = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// `sql`, prepared at most once, with `args` bound in order. A statement has one use at a time.
  template <class... Args>
  Result<Statement> query(std::string_view sql, const Args&... args) {
    LOOM_TRY(sqlite3_stmt * prepared, prepare(sql));
    Statement statement(prepared);
    (statement.bind(args), ...);
    return statement;
  }
  /// As query, run to its end.
  template <class... Args>
  Status run(std::string_view sql, const Args&... args) {
    LOOM_TRY(Statement statement, query(sql, args...));
    LOOM_TRY(Step step, statement.step());
    while (step == Step::row) {
      LOOM_TRY(step, statement.step());
    }
    return ok();
  }
  /// Any number of statements, prepared for this once.
  Status run_script(const char* sql);
  /// The first column of the only row.
  Result<std::int64_t> integer(std::string_view sql);

  /// Rows that the last statement inserted, changed or removed.
  [[nodiscard]] int changes() const { return sqlite3_changes(db_.get()); }
  [[nodiscard]] std::int64_t last_row() const { return sqlite3_last_insert_rowid(db_.get()); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

  /// Statements that are still running then fail with timed_out.
  void interrupt_at(Deadline deadline) { deadline_ = deadline; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Connection(sqlite3* db) : db_(db) {}
  Status set_up(Mode mode);
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  static int is_late(void* self);

  std::unique_ptr<sqlite3, Close> db_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> prepared_;
  Deadline deadline_ = Deadline::never();
};

}  // namespace loom::store::sqlite
