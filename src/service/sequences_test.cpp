#include "service/sequences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.hpp"
#include "testkit/fake_process_runner.hpp"

namespace loom::service {
namespace {

/// What blastdbcmd is asked first for a sequence of that database.
std::vector<std::string> first_question(const catalog::Database& database) {
  const auto folder = TempDir::create();
  testkit::FakeProcessRunner runner([](const exec::ProcessSpec& /*spec*/, int /*number*/) {
    return Result<exec::ProcessOutcome>(error(Code::unavailable, "not now"));
  });
  SequenceReader reader(runner, folder->path());
  EXPECT_FALSE(reader.fetch("1", {.database = database, .folders = {}}, {.parts = {{.id = "p01"}}},
                            Deadline::never()));
  return runner.runs().at(0).argv;
}

TEST(SequenceReader, LooksUpIdsWhereBlastFindsThem) {
  catalog::Database database;
  database.names = "profiles";
  database.sequences = 1;
  database.version = 5;
  EXPECT_THAT(first_question(database), testing::Not(testing::Contains("-entry_batch")));
  database.profiles = true;
  EXPECT_THAT(first_question(database), testing::Contains("-entry_batch"));
  database.version = 4;
  EXPECT_THAT(first_question(database), testing::Not(testing::Contains("-entry_batch")));
  database.has_ids = true;
  EXPECT_THAT(first_question(database), testing::Contains("-entry_batch"));
}

}  // namespace
}  // namespace loom::service
