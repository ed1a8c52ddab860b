#include "store/sqlite/connection.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <iterator>

#include "base/check.hpp"
#include "base/fd.hpp"
#include "store/sqlite/sqlite_error.hpp"

namespace loom::store::sqlite {
namespace {

constexpr int kBusyMs = 5000;
constexpr int kInstructionsPerLook =
    10'000;  // of SQLite's machine, between looks at the deadline; about 1 ms

constexpr const char* kWriterPragmas =
    "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536;";
constexpr const char* kReaderPragmas = "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;";

/// SQLite gives its log files the rights of the file, so these are set before it is there.
Status make_private(const std::filesystem::path& path) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file) return ok();
  return system_error(errno, "open job store " + path.string());
}

bool has_bytes(const std::string& path) {
  std::error_code missing;
  return std::filesystem::file_size(path, missing) > 0 && !missing;
}

/// SQLite takes what is missing of the last page for zeros. After a crash a log mends it; without one it is
/// gone.
Status check_whole(const std::filesystem::path& path) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  if (failed) return system_error(failed.value(), "open job store " + path.string());
  if (size == 0 || has_bytes(path.string() + "-wal") || has_bytes(path.string() + "-journal")) return ok();
  std::array<unsigned char, 100> header{};  // https://www.sqlite.org/fileformat.html#the_database_header
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const bool got = file && ::read(file.get(), header.data(), header.size()) == std::ssize(header);
  const unsigned page_bytes = 256U * header[16] + header[17] + (header[17] == 1 ? 65535U : 0U);
  if (got && (page_bytes == 0 || size % page_bytes == 0)) return ok();
  return error(Code::corrupt, "the file was cut short to {} bytes; restore the job store from a backup",
               size);
}

Error at_path(Error cause, const std::filesystem::path& path) {
  if (cause.code == Code::corrupt)
    return error(
        cause.code,
        "job store {}: the file is damaged or no SQLite database ({}), or, to begin an empty one, move it "
        "away with its -wal and -shm, and what its jobs wrote (objects/jobs)",
        path.string(), cause.message);
  return std::move(cause).at("job store " + path.string());
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& path, Mode mode,
                                                     const char* vfs) {
  if (mode == Mode::write && vfs == nullptr) {
    LOOM_CHECKED(make_private(path));
    if (Status whole = check_whole(path); !whole) return at_path(std::move(whole.error()), path);
  }
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const int result = sqlite3_open_v2(path.c_str(), &db, flags, vfs);
  std::unique_ptr<Connection> connection(new Connection(db));
  if (result != SQLITE_OK) return at_path(sqlite_error(db, result, "open"), path);
  if (Status done = connection->set_up(mode); !done) return at_path(std::move(done.error()), path);
  return connection;
}

Connection::~Connection() {
  prepared_.clear();  // SQLite does not close with statements left
}

Status Connection::set_up(Mode mode) {
  sqlite3_busy_timeout(db_.get(), kBusyMs);
  sqlite3_progress_handler(db_.get(), kInstructionsPerLook, &Connection::is_late, this);
  if (mode == Mode::read) return run_script(kReaderPragmas);
  LOOM_CHECKED(run_script(kWriterPragmas));
  LOOM_TRY(Statement journal, query("PRAGMA journal_mode=WAL"));
  LOOM_CHECKED(journal.step());
  const std::string got = journal.text();
  if (got == "wal") return ok();
  return error(Code::invalid_argument,
               "the file system cannot hold a write-ahead log (journal mode is {}); choose a local folder",
               got);
}

int Connection::is_late(void* self) {
  const Connection& connection = *static_cast<Connection*>(self);
  return connection.deadline_.passed() ? 1 : 0;
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql) {
  if (const auto found = prepared_.find(sql); found != prepared_.end()) {
    LOOM_CHECK(sqlite3_stmt_busy(found->second.get()) == 0, "a statement has one use at a time");
    return found->second.get();
  }
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return sqlite_error(db_.get(), result, "job store");
  prepared_.emplace(std::string(sql), statement);
  return statement;
}

Status Connection::run_script(const char* sql) {
  const int result = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (result == SQLITE_OK) return ok();
  return sqlite_error(db_.get(), result, "job store");
}

Result<std::int64_t> Connection::integer(std::string_view sql) {
  LOOM_TRY(Statement statement, query(sql));
  LOOM_TRY(const Step step, statement.step());
  LOOM_CHECK(step == Step::row, "the statement gives a row");
  return statement.integer<std::int64_t>();
}

}  // namespace loom::store::sqlite
