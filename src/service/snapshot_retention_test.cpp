#include "service/snapshot_retention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loom::service {
namespace {

using catalog::Snapshot;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kNow = 1'795'780'800;  // 2026-11-27T12:00:00Z

Snapshot snapshot(std::string database, int day) {
  Snapshot one;
  one.database = std::move(database);
  one.id = fmt::format("202611{:02}T120000000Z-00000000", day);
  one.created = fmt::format("2026-11-{:02}T12:00:00Z", day);
  one.folder = "/kept/" + one.database + "/" + one.id;
  return one;
}

/// Days of what may go.
std::vector<std::string> days(const SnapshotLimits& limits, const std::string& current) {
  const std::vector all{snapshot("nr", 27), snapshot("nr", 20), snapshot("nr", 10), snapshot("nr", 5),
                        snapshot("nt", 3)};
  const auto current_id = [&](const std::string& name) {
    return name == "nt" ? snapshot("nt", 3).id : current;
  };
  std::vector<std::string> found;
  for (const Snapshot& one : surplus(all, current_id, DatabaseUse(), limits, kNow))
    found.push_back(one.database + one.id.substr(6, 2));
  return found;
}

TEST(SnapshotRetention, KeepsTheNewestAndTheCurrentOne) {
  EXPECT_THAT(days({}, snapshot("nr", 27).id), IsEmpty());
  EXPECT_THAT(days({.keep = 2}, snapshot("nr", 27).id), ElementsAre("nr05", "nr10"));
  EXPECT_THAT(days({.keep = 1}, snapshot("nr", 10).id), ElementsAre("nr05", "nr20"));
}

TEST(SnapshotRetention, KeepsWhatIsYoung) {
  EXPECT_THAT(days({.days = 8}, snapshot("nr", 27).id), ElementsAre("nr05", "nr10"));
  EXPECT_THAT(days({.keep = 1, .days = 18}, snapshot("nr", 27).id), ElementsAre("nr05"));
  EXPECT_THAT(days({.keep = 3, .days = 1}, snapshot("nr", 27).id), ElementsAre("nr05"));
}

}  // namespace
}  // namespace loom::service
