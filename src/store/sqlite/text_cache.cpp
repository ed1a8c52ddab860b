#include "store/text_cache.hpp"

#include "base/log.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store {

namespace fs = std::filesystem;
using sqlite::Connection;
using sqlite::Step;

namespace {

// No sync at each commit: a power failure may take the last ones, never break the file (sqlite.org/wal.html).
constexpr const char* kSchema = R"(
PRAGMA synchronous=NORMAL;
PRAGMA cache_size=-4096;
CREATE TABLE IF NOT EXISTS cached(
  number INTEGER PRIMARY KEY,  -- in the order in which they were put last
  key TEXT NOT NULL UNIQUE,
  bytes INTEGER NOT NULL,      -- of text
  text TEXT NOT NULL);
)";

}  // namespace

TextCache::TextCache(fs::path file, std::uint64_t most_bytes)
    : file_(std::move(file)), most_bytes_(most_bytes) {
  const MutexLock lock(mutex_);
  const auto remove = [this] {
    for (const char* end : {"", "-wal", "-shm"}) {
      std::error_code missing;
      fs::remove(file_.string() + end, missing);
    }
  };
  if (most_bytes_ == 0) {
    remove();
    return;
  }
  const auto open = [this]() REQUIRES(mutex_) -> Status {
    LOOM_TRY(db_, Connection::open(file_, Connection::Mode::write));
    LOOM_CHECKED(db_->run_script(kSchema));
    LOOM_CHECKED(count());
    return make_room();
  };
  std::error_code failed;
  fs::create_directories(file_.parent_path(), failed);
  if (open()) return;
  // A damaged one is begun anew.
  db_.reset();
  remove();
  if (const Status opened = open(); !opened) give_up(opened.error());
}

TextCache::~TextCache() = default;

std::optional<std::string> TextCache::find(std::string_view key) {
  const MutexLock lock(mutex_);
  if (!db_) return std::nullopt;
  const auto read = [&]() REQUIRES(mutex_) -> Result<std::optional<std::string>> {
    LOOM_TRY(auto query, db_->query("SELECT text FROM cached WHERE key=?", key));
    LOOM_TRY(const Step step, query.step());
    return step == Step::row ? std::optional(query.text()) : std::nullopt;
  };
  auto found = read();
  if (found) return *std::move(found);
  give_up(found.error());
  return std::nullopt;
}

void TextCache::put(std::span<const std::pair<std::string, std::string>> texts) {
  if (texts.empty()) return;
  const MutexLock lock(mutex_);
  if (!db_) return;
  const auto write = [&]() REQUIRES(mutex_) -> Status {
    LOOM_CHECKED(db_->run("BEGIN IMMEDIATE"));
    Status put = put_all(texts);
    LOOM_CHECKED(db_->run(put ? "COMMIT" : "ROLLBACK"));
    return put;
  };
  const Status written = write();
  if (written) return;
  // A full disk passes; what was counted may be wrong after the rollback.
  if (written.error().code != Code::disk_full || !count()) give_up(written.error());
}

Status TextCache::put_all(std::span<const std::pair<std::string, std::string>> texts) {
  for (const auto& [key, text] : texts) {
    if (text.size() > most_bytes_) continue;
    LOOM_CHECKED(db_->run("DELETE FROM cached WHERE key=?", std::string_view(key)));
    const bool replaced = db_->changes() > 0;
    LOOM_CHECKED(db_->run("INSERT INTO cached(key,bytes,text) VALUES(?,?,?)", std::string_view(key),
                          text.size(), std::string_view(text)));
    if (!replaced) {
      ++counts_.texts;
      counts_.bytes += text.size();
    }
  }
  return make_room();
}

/// Down to a tenth less than there is room for, so that not every search has to.
Status TextCache::make_room() {
  if (counts_.bytes <= most_bytes_) return ok();
  LOOM_CHECKED(
      db_->run("DELETE FROM cached WHERE number <= (SELECT number FROM (SELECT number, "
               "sum(bytes) OVER (ORDER BY number DESC) AS kept FROM cached) WHERE kept > ? "
               "ORDER BY number DESC LIMIT 1)",
               most_bytes_ / 10 * 9));
  return count();
}

Status TextCache::count() {
  LOOM_TRY(auto query, db_->query("SELECT count(*), total(bytes) FROM cached"));
  LOOM_CHECKED(query.step());
  counts_.texts = query.integer<std::uint64_t>();
  counts_.bytes = static_cast<std::uint64_t>(query.real());
  return ok();
}

void TextCache::give_up(const Error& why) {
  log::write(log::Level::warning, "cache.failed", {{"reason", why.message}});
  db_.reset();
  counts_ = {};
}

TextCache::Counts TextCache::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

}  // namespace loom::store
