#include "store/sqlite/schema.hpp"

#include <array>

namespace loom::store::sqlite {
namespace {

constexpr std::int64_t kApplicationId = 0x6c6f6f6d;  // "loom"

constexpr const char* kFirst = R"sql(
CREATE TABLE jobs(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL, title TEXT NOT NULL, program TEXT NOT NULL, database TEXT NOT NULL,
  options TEXT NOT NULL, query_key TEXT NOT NULL,
  queries INTEGER NOT NULL, letters INTEGER NOT NULL, sha256 TEXT NOT NULL, priority INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('queued','running','merging','completed','failed','cancelled')),
  tasks_total INTEGER NOT NULL DEFAULT 0, tasks_done INTEGER NOT NULL DEFAULT 0,
  letters_total INTEGER NOT NULL DEFAULT 0, letters_done INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL, started INTEGER, finished INTEGER,
  failure_kind TEXT NOT NULL DEFAULT '', failure_sentence TEXT NOT NULL DEFAULT '',
  cpu_seconds REAL, wall_seconds REAL, peak_bytes INTEGER, searched_letters INTEGER,
  version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_newest ON jobs(created, id);
CREATE INDEX jobs_by_owner ON jobs(owner, created, id);
CREATE INDEX jobs_by_owner_state ON jobs(owner, state, created, id);
CREATE INDEX jobs_by_state ON jobs(state, created, id);
CREATE INDEX jobs_by_program ON jobs(program, created, id);
CREATE INDEX jobs_by_database ON jobs(database, created, id);
CREATE INDEX jobs_unmeasured ON jobs(created, id) WHERE state = 'completed' AND cpu_seconds IS NULL;

CREATE VIRTUAL TABLE titles USING fts5(title, content='jobs', content_rowid='number', tokenize='trigram');
CREATE TRIGGER titles_new AFTER INSERT ON jobs BEGIN
  INSERT INTO titles(rowid, title) VALUES(NEW.number, NEW.title);
END;
CREATE TRIGGER titles_old AFTER DELETE ON jobs BEGIN
  INSERT INTO titles(titles, rowid, title) VALUES('delete', OLD.number, OLD.title);
END;

CREATE TABLE job_counts(state TEXT PRIMARY KEY, jobs INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO job_counts VALUES('queued',0),('running',0),('merging',0),('completed',0),('failed',0),('cancelled',0);
CREATE TRIGGER counts_new AFTER INSERT ON jobs BEGIN
  UPDATE job_counts SET jobs = jobs + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER counts_moved AFTER UPDATE OF state ON jobs BEGIN
  UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
  UPDATE job_counts SET jobs = jobs + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER counts_old AFTER DELETE ON jobs BEGIN
  UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
END;

CREATE TABLE idempotency(
  owner TEXT NOT NULL, token TEXT NOT NULL, fingerprint TEXT NOT NULL,
  job INTEGER NOT NULL REFERENCES jobs(number) ON DELETE CASCADE,
  PRIMARY KEY(owner, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_job ON idempotency(job);

CREATE TABLE tasks(
  job INTEGER NOT NULL REFERENCES jobs(number) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  first_query INTEGER NOT NULL, queries INTEGER NOT NULL, letters INTEGER NOT NULL,
  shard INTEGER NOT NULL, spec TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'ready' CHECK(state IN ('ready','leased','done','failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT NOT NULL DEFAULT '', lease_token TEXT NOT NULL DEFAULT '', lease_until INTEGER,
  output_key TEXT NOT NULL DEFAULT '',
  cpu_seconds REAL, wall_seconds REAL, peak_bytes INTEGER, searched_letters INTEGER,
  failure_kind TEXT NOT NULL DEFAULT '', failure_sentence TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(job, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_ready ON tasks(job, number) WHERE state = 'ready';
CREATE INDEX tasks_leased ON tasks(lease_until, job, number) WHERE state = 'leased';

CREATE TABLE events(
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES jobs(number) ON DELETE CASCADE,
  seq INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, task INTEGER,
  tasks_total INTEGER NOT NULL, tasks_done INTEGER NOT NULL,
  letters_total INTEGER NOT NULL, letters_done INTEGER NOT NULL,
  failure_kind TEXT NOT NULL, failure_sentence TEXT NOT NULL,
  UNIQUE(job, seq)
) STRICT;

CREATE TABLE leaders(
  name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL, term INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kQueries = R"sql(
CREATE TABLE queries(
  job INTEGER PRIMARY KEY REFERENCES jobs(number) ON DELETE CASCADE, text BLOB NOT NULL
) STRICT;
CREATE INDEX jobs_by_query ON jobs(query_key) WHERE query_key <> '';
)sql";

constexpr const char* kAnswers = R"sql(
CREATE TABLE answers(
  job INTEGER PRIMARY KEY REFERENCES jobs(number) ON DELETE CASCADE, output BLOB NOT NULL, messages BLOB NOT NULL
) STRICT;
ALTER TABLE jobs ADD COLUMN answer_bytes INTEGER;
ALTER TABLE jobs ADD COLUMN reused INTEGER NOT NULL DEFAULT 0;
CREATE TABLE totals(answer_bytes INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES(0);
CREATE TRIGGER answers_kept AFTER UPDATE OF answer_bytes ON jobs WHEN NEW.answer_bytes IS NOT NULL BEGIN
  UPDATE totals SET answer_bytes = answer_bytes + NEW.answer_bytes - coalesce(OLD.answer_bytes, 0);
END;
CREATE TRIGGER answers_gone AFTER DELETE ON jobs WHEN OLD.answer_bytes IS NOT NULL BEGIN
  UPDATE totals SET answer_bytes = answer_bytes - OLD.answer_bytes;
END;
-- A title that is not there is not indexed.
DROP TRIGGER titles_new;
DROP TRIGGER titles_old;
CREATE TRIGGER titles_new AFTER INSERT ON jobs WHEN NEW.title <> '' BEGIN
  INSERT INTO titles(rowid, title) VALUES(NEW.number, NEW.title);
END;
CREATE TRIGGER titles_old AFTER DELETE ON jobs WHEN OLD.title <> '' BEGIN
  INSERT INTO titles(titles, rowid, title) VALUES('delete', OLD.number, OLD.title);
END;
)sql";

constexpr std::array kMigrations{kFirst, kQueries, kAnswers};

Status refuse_foreign(Connection& db, std::int64_t version, std::size_t newest) {
  LOOM_TRY(const std::int64_t application, db.integer("PRAGMA application_id"));
  LOOM_TRY(const std::int64_t tables, db.integer("SELECT count(*) FROM sqlite_schema"));
  const bool empty = application == 0 && version == 0 && tables == 0;
  if (!empty && application != kApplicationId)
    return error(Code::invalid_argument, "the file is a database of another program; choose another path");
  if (version > static_cast<std::int64_t>(newest))
    return error(
        Code::conflict,
        "the store has version {}, written by a newer release; this one knows {} and earlier: install "
        "that release again, or restore an older backup",
        version, newest);
  return ok();
}

/// Runs the script that is next, if any, inside the caller's transaction. What it returns is the version.
Result<std::size_t> step_up(Connection& db, std::span<const char* const> scripts) {
  LOOM_TRY(const std::int64_t version, db.integer("PRAGMA user_version"));
  LOOM_CHECKED(refuse_foreign(db, version, scripts.size()));
  const auto at = static_cast<std::size_t>(version);
  if (at == scripts.size()) return at;
  LOOM_CHECKED(db.run_script(scripts[at]));
  const auto mark = fmt::format("PRAGMA user_version={}; PRAGMA application_id={}", at + 1, kApplicationId);
  LOOM_CHECKED(db.run_script(mark.c_str()));
  return at + 1;
}

}  // namespace

std::span<const char* const> migrations() {
  return kMigrations;
}

Status migrate(Connection& db, std::span<const char* const> scripts) {
  for (;;) {
    LOOM_CHECKED(db.run_script("BEGIN IMMEDIATE"));
    const auto version = step_up(db, scripts);
    Status ended = version ? db.run_script("COMMIT") : Status(version.error());
    if (!ended) {
      if (db.in_transaction()) static_cast<void>(db.run_script("ROLLBACK"));
      return ended;
    }
    if (*version == scripts.size()) return ok();
  }
}

Status check_version(Connection& db, std::span<const char* const> scripts) {
  LOOM_TRY(const std::int64_t version, db.integer("PRAGMA user_version"));
  LOOM_CHECKED(refuse_foreign(db, version, scripts.size()));
  if (version == static_cast<std::int64_t>(scripts.size())) return ok();
  return error(Code::conflict,
               "the store has version {}, and this release reads version {}: start the server that writes it "
               "in this release first",
               version, scripts.size());
}

}  // namespace loom::store::sqlite
