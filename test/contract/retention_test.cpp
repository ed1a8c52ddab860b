// Which ended jobs go when all that is kept takes more than is allowed, over the real job store.
#include <gtest/gtest.h>

#include "base/temp_dir.hpp"
#include "sched/job_keys.hpp"
#include "sched/upkeep.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/mem_object_store.hpp"
#include "testkit/never.hpp"

namespace loom::sched {
namespace {

class RetentionOfBytes : public testing::Test {
 protected:
  static store::UnixTime at(int ms) { return store::UnixTime(std::chrono::milliseconds(ms)); }

  void put(const storage::ObjectKey& key, std::size_t bytes) {
    ASSERT_TRUE(objects_.put(key, std::vector<std::byte>(bytes), kNever));
  }

  /// Waits still; takes 5 bytes for its query, and 10 for its output.
  store::JobId queued(const std::string& name) {
    const std::string query = "queries/" + name;
    const store::NewJob wish{.owner = "ann",
                             .title = name,
                             .program = "blastp",
                             .database = "db",
                             .options = "{}",
                             .query_key = query,
                             .sha256 = "ab"};
    const store::JobId id = jobs_->submit(wish, {}, at(1), kNever).value().job.id;
    put(storage::ObjectKey::parse(query).value(), 5);
    put(output_key(id), 10);
    return id;
  }
  store::JobId ended(const std::string& name, int ms) {
    const store::JobId id = queued(name);
    EXPECT_TRUE(jobs_->cancel(id, at(ms), kNever));
    return id;
  }

  /// In the order in which they went.
  std::vector<store::JobId> removed_for(std::uint64_t most_bytes) {
    std::vector<store::JobId> removed;
    const auto count = retention(*jobs_, objects_, {.bytes = most_bytes}, [&](const store::JobId& id) {
                         if (id != kept_) removed.push_back(id);
                         return id == kept_ ? Status(error(Code::unavailable, "not now")) : ok();
                       }).run();
    EXPECT_EQ(count.value(), removed.size());
    return removed;
  }

  TempDir folder_ = TempDir::create().value();
  std::unique_ptr<store::SqliteJobStore> jobs_ =
      store::SqliteJobStore::open(folder_.path() / "jobs.sqlite").value();
  testkit::MemObjectStore objects_;
  std::optional<store::JobId> kept_;  ///< cannot be removed
};

TEST_F(RetentionOfBytes, ThoseThatEndedFirstGoUntilItIsEnough) {
  const store::JobId first = ended("first", 1000);
  const store::JobId third = ended("third", 3000);
  const store::JobId second = ended("second", 2000);
  queued("waits");
  EXPECT_EQ(removed_for(60), (std::vector<store::JobId>{})) << "it is what all take together";
  EXPECT_EQ(removed_for(59), (std::vector{first}));
  EXPECT_EQ(removed_for(30), (std::vector{first, second})) << "a job frees its query and its objects";
  EXPECT_EQ(removed_for(1), (std::vector{first, second, third})) << "what waits stays";
  kept_ = first;
  EXPECT_EQ(removed_for(59), (std::vector{second})) << "what could not be removed frees nothing";
}

}  // namespace
}  // namespace loom::sched
