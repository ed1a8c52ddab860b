#include "service/database_imports.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/temp_dir.hpp"
#include "testkit/mem_object_store.hpp"

namespace loom::service {
namespace {

namespace fs = std::filesystem;

TEST(ImportPath, LeadsNowhereOutOfItsFolder) {
  const TempDir place = TempDir::create().value();
  const fs::path folder = place.path() / "imports";
  fs::create_directories(folder / "sub");
  fs::create_directory(place.path() / "imports-too");
  fs::create_symlink(place.path(), folder / "out");
  fs::create_symlink(folder / "sub", folder / "in");
  EXPECT_EQ(import_path(folder, "sub/x.fa").value(), fs::canonical(folder) / "sub/x.fa");
  EXPECT_EQ(import_path(folder, "in/x.fa").value(), fs::canonical(folder) / "sub/x.fa");
  for (const char* path : {"", "/etc/passwd", "../x", "sub/../../x", "out/x", "out", "../imports-too/x"}) {
    const auto found = import_path(folder, path);
    ASSERT_FALSE(found) << path;
    EXPECT_EQ(found.error().code, Code::invalid_argument) << path;
  }
  EXPECT_EQ(import_path({}, "x.fa").error().code, Code::forbidden);
}

TEST(ImportObject, TakesOnlyWhatIsMeantForIt) {
  testkit::MemObjectStore store;
  const std::string text(3'000'000, 'A');
  for (const char* key : {"imports/a.fa", "jobs/a"})
    ASSERT_TRUE(
        store.put(storage::ObjectKey::parse(key).value(), std::as_bytes(std::span(text)), Deadline::never()));
  const TempDir place = TempDir::create().value();
  QueryUpload into(place.path(), Limit{});
  ASSERT_TRUE(import_object(store, "imports/a.fa", into));
  EXPECT_EQ(into.size_bytes(), text.size());
  EXPECT_EQ(import_object(store, "jobs/a", into).error().code, Code::invalid_argument);
  EXPECT_EQ(import_object(store, "imports/../jobs/a", into).error().code, Code::invalid_argument);
  EXPECT_EQ(import_object(store, "imports/b.fa", into).error().code, Code::not_found);
}

}  // namespace
}  // namespace loom::service
