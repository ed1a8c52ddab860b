#pragma once
#include <sqlite3.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "store/job.hpp"

namespace loom::store::sqlite {

enum class Step { row, done };

/// One use of a prepared statement that its Connection keeps; the end of this object ends the use. Parameters
/// and columns are taken from left to right. Text is copied both ways. One thread at a time.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)),
        parameter_(other.parameter_),
        column_(other.column_) {}
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  void bind(std::string_view text);
  void bind(double number);
  template <std::integral Int>
  void bind(Int number) {
    bind_integer(static_cast<std::int64_t>(number));
  }
  void bind(UnixTime time) { bind_integer(time.time_since_epoch().count()); }
  void bind(const JobId& id) { bind(id.str()); }
  void bind(JobState state) { bind(name(state)); }
  void bind(TaskState state) { bind(name(state)); }
  void bind(EventKind kind) { bind(name(kind)); }
  template <class T>
  void bind(const std::optional<T>& value) {
    if (value)
      bind(*value);
    else
      ++parameter_;  // unbound is NULL
  }

  /// To the next row. Errors: as SQLite's.
  Result<Step> step();

  std::string text();
  double real();
  template <std::integral Int>
  Int integer() {
    return static_cast<Int>(next_integer());
  }
  UnixTime time() { return UnixTime(std::chrono::milliseconds(next_integer())); }
  std::optional<UnixTime> maybe_time();
  /// Whether the next column is NULL; does not take it.
  [[nodiscard]] bool next_is_null() const;
  void skip(int columns) { column_ += columns; }

 private:
  void bind_integer(std::int64_t number);
  std::int64_t next_integer();

  sqlite3_stmt* statement_;
  int parameter_ = 0;
  int column_ = 0;
};

}  // namespace loom::store::sqlite
