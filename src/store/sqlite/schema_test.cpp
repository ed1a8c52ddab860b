#include "store/sqlite/schema.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "base/temp_dir.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/never.hpp"

namespace loom::store::sqlite {
namespace {

namespace fs = std::filesystem;

class SchemaTest : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> connect() { return Connection::open(path_, Connection::Mode::write).value(); }
  void run(const char* sql) {
    const Status done = connect()->run_script(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  Error open_error() {
    const auto store = SqliteJobStore::open(path_);
    return store ? Error{} : store.error();
  }
  /// A store with `jobs` jobs, closed: all is in the file.
  void fill(int jobs) {
    const auto store = SqliteJobStore::open(path_).value();
    NewJob job;
    job.title = std::string(2000, 't');
    for (int i = 0; i < jobs; ++i) ASSERT_TRUE(store->submit(job, {}, UnixTime{}, kNever));
  }
  Result<TempDir> dir_ = TempDir::create();
  fs::path path_ = dir_->path() / "jobs.db";
};

std::string tables(Connection& db) {
  std::string all;
  auto rows = db.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").value();
  while (rows.step().value() == Step::row) all += rows.text() + " ";
  return all;
}

constexpr std::array kTwo{"CREATE TABLE a(x)", "CREATE TABLE b(x)"};

TEST_F(SchemaTest, RunsOnlyWhatIsMissing) {
  const auto db = connect();
  ASSERT_TRUE(migrate(*db, std::span(kTwo).first(1)));
  EXPECT_EQ(tables(*db), "a ");
  for (int again = 0; again < 2; ++again) ASSERT_TRUE(migrate(*db, kTwo));
  EXPECT_EQ(tables(*db), "a b ");
  EXPECT_EQ(db->integer("PRAGMA user_version").value(), 2);
}

TEST_F(SchemaTest, AScriptThatFailsLeavesTheVersionBefore) {
  constexpr std::array kBad{kTwo[0], "CREATE TABLE b(x); CREATE TABLE a(x)"};
  const auto db = connect();
  const Status failed = migrate(*db, kBad);
  ASSERT_FALSE(failed);
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(tables(*db), "a ");
  EXPECT_EQ(db->integer("PRAGMA user_version").value(), 1);
  ASSERT_TRUE(migrate(*db, kTwo));
  EXPECT_EQ(tables(*db), "a b ");
}

TEST_F(SchemaTest, TakesOverTheJobsOfTheFirstVersion) {
  ASSERT_TRUE(migrate(*connect(), migrations().first(1)));
  run("INSERT INTO jobs(id, owner, title, program, database, options, query_key, queries, letters, sha256, "
      "priority, state, created) VALUES('00112233445566778899aabbccddeeff', 'ann', 't', 'blastp', 'd', '{}', "
      "'queries/1', 1, 2, 'ab', 0, 'queued', 5)");
  const auto store = SqliteJobStore::open(path_).value();
  const JobId id = JobId::parse("00112233445566778899aabbccddeeff").value();
  EXPECT_EQ(store->get(id, kNever).value().request.query_key, "queries/1");
  NewJob small;
  small.query = ">q\nACGT\n";
  EXPECT_EQ(store->query(store->submit(small, {}, UnixTime{}, kNever).value().job.id, kNever).value(),
            small.query);
}

TEST_F(SchemaTest, RefusesANewerStoreAndLeavesItAsItIs) {
  fill(1);
  run("PRAGMA user_version = 99");
  const Error refused = open_error();
  EXPECT_EQ(refused.code, Code::conflict);
  EXPECT_EQ(
      refused.message,
      fmt::format("job store {}: the store has version 99, written by a newer release; this one knows {} "
                  "and earlier: install that release again, or restore an older backup",
                  path_.string(), migrations().size()));
  EXPECT_EQ(connect()->integer("PRAGMA user_version").value(), 99);
}

TEST_F(SchemaTest, RefusesADatabaseOfAnotherProgram) {
  run("CREATE TABLE theirs(x)");
  const Error refused = open_error();
  EXPECT_EQ(refused.code, Code::invalid_argument);
  EXPECT_NE(refused.message.find("another program"), std::string::npos) << refused.message;
  EXPECT_EQ(tables(*connect()), "theirs ");
}

TEST_F(SchemaTest, AFileThatIsNoDatabaseIsCorrupt) {
  std::ofstream(path_) << std::string(5000, 'x');
  const Error refused = open_error();
  EXPECT_EQ(refused.code, Code::corrupt);
  EXPECT_NE(refused.message.find(path_.string()), std::string::npos) << refused.message;
  EXPECT_NE(refused.message.find("restore the job store from a backup"), std::string::npos);
  EXPECT_EQ(fs::file_size(path_), 5000U) << "left for whoever wants to look";
}

TEST_F(SchemaTest, AFileCutShortAnywhereIsCorrupt) {
  fill(40);
  const std::uintmax_t whole = fs::file_size(path_);
  ASSERT_GT(whole, 60'000U);
  for (const std::uintmax_t size : {whole - 1, whole - 4096, whole / 2, std::uintmax_t{4096},
                                    std::uintmax_t{4095}, std::uintmax_t{99}, std::uintmax_t{1}}) {
    fs::resize_file(path_, size);
    EXPECT_EQ(open_error().code, Code::corrupt) << size << ": " << open_error().message;
  }
}

TEST_F(SchemaTest, VerifyFindsDamageInTheMiddle) {
  fill(40);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(path_) / 4096 / 2 * 4096));
    file << std::string(4096, '\xa5');
  }
  const auto store = SqliteJobStore::open(path_);
  const Status verified = store ? (*store)->verify(kNever) : Status(store.error());
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::corrupt) << verified.error().message;
}

TEST_F(SchemaTest, AMissingFolderIsNotFoundByPath) {
  path_ = dir_->path() / "none/jobs.db";
  const Error missing = open_error();
  EXPECT_EQ(missing.code, Code::not_found);
  EXPECT_NE(missing.message.find("none/jobs.db"), std::string::npos) << missing.message;
}

TEST_F(SchemaTest, TheFilesAreForTheirOwnerOnly) {
  const auto store = SqliteJobStore::open(path_).value();
  ASSERT_TRUE(store->submit({}, {}, UnixTime{}, kNever));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const auto rights = fs::status(path_.string() + suffix).permissions();
    EXPECT_EQ(rights, fs::perms::owner_read | fs::perms::owner_write) << suffix;
  }
}

}  // namespace
}  // namespace loom::store::sqlite
