#include "store/sqlite/statement.hpp"

#include "base/check.hpp"
#include "store/sqlite/sqlite_error.hpp"

namespace loom::store::sqlite {
namespace {
// Out of memory is the only way to fail that is no defect, and step() then fails too, as what is unbound is
// NULL where the schema allows none.
void bound(int result) {
  LOOM_CHECK(result == SQLITE_OK || result == SQLITE_NOMEM || result == SQLITE_TOOBIG,
             "a parameter is one of the statement");
}
}  // namespace

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::bind(std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";
  bound(sqlite3_bind_text64(statement_, ++parameter_, data, text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));  // NOLINT
}

void Statement::bind(double number) {
  bound(sqlite3_bind_double(statement_, ++parameter_, number));
}

void Statement::bind_integer(std::int64_t number) {
  bound(sqlite3_bind_int64(statement_, ++parameter_, number));
}

Result<Step> Statement::step() {
  column_ = 0;
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return Step::row;
  if (result == SQLITE_DONE) return Step::done;
  return sqlite_error(sqlite3_db_handle(statement_), result, "job store");
}

std::string Statement::text() {
  const int column = column_++;
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string()
                         : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

double Statement::real() {
  return sqlite3_column_double(statement_, column_++);
}

std::int64_t Statement::next_integer() {
  return sqlite3_column_int64(statement_, column_++);
}

std::optional<UnixTime> Statement::maybe_time() {
  if (!next_is_null()) return time();
  skip(1);
  return std::nullopt;
}

bool Statement::next_is_null() const {
  return sqlite3_column_type(statement_, column_) == SQLITE_NULL;
}

}  // namespace loom::store::sqlite
