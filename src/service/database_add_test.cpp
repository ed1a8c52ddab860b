#include "service/database_add.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/blast_under_test.hpp"
#include "testkit/fake_process_runner.hpp"
#include "testkit/without_rights.hpp"

namespace loom::service {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void let_all(const fs::path& path, fs::perms rights) {
  fs::permissions(path, rights);
}

TEST(AddDatabase, AFolderThatMayNotBeListedIsAnErrorThatNamesIt) {
  LOOM_NEEDS_BLAST();
  const TempDir folder = TempDir::create().value();
  let_all(folder.path(), fs::perms(0755));
  const fs::path given = folder.path() / "given";
  fs::create_directory(given);
  catalog::make_database(given, "d", catalog::Molecule::protein, ">a\nMKTAYIAKQR\n");
  for (const auto& file : fs::directory_iterator(given)) let_all(file.path(), fs::perms(0644));
  const auto kept = catalog::Snapshots::open(folder.path() / "kept").value();
  let_all(folder.path() / "kept", fs::perms(0777));
  for (const auto& made : fs::recursive_directory_iterator(folder.path() / "kept"))
    let_all(made.path(), fs::perms(0777));
  let_all(given, fs::perms(0311));
  testkit::FakeProcessRunner runner(
      [](const exec::ProcessSpec&, int) -> Result<exec::ProcessOutcome> { return exec::ProcessOutcome{}; });
  const auto added = [&] {
    const testkit::WithoutRights to_read;
    return add_database(kept, runner, given / "d", {});
  }();
  let_all(given, fs::perms(0755));
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr(given.string()));
  EXPECT_THAT(added.error().message, HasSubstr("must be allowed to list that folder"));
  EXPECT_TRUE(runner.runs().empty());
}

}  // namespace
}  // namespace loom::service
