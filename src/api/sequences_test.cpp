#include <gtest/gtest.h>

#include "api/api_under_test.hpp"
#include "service/database_works.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "testkit/fake_process_runner.hpp"
#include "testkit/mem_object_store.hpp"

namespace loom::api {
namespace {

/// A server that keeps databases, of which there are none.
class SequencesApi : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    works_ = &kept_;
  }

  std::unique_ptr<store::SqliteJobStore> store_ =
      store::SqliteJobStore::open(folder_->path() / "jobs.sqlite").value();
  testkit::MemObjectStore objects_;
  testkit::FakeProcessRunner runner_{[](const exec::ProcessSpec& /*spec*/, int /*number*/) {
    return Result<exec::ProcessOutcome>(error(Code::internal, "nothing is to run"));
  }};
  service::SequenceReader reader_{runner_, folder_->path()};
  service::DatabaseList databases_{catalog::Snapshots::open(folder_->path() / "databases").value()};
  service::DatabaseWorks kept_{service::DatabaseWorksParts{.databases = databases_,
                                                           .jobs = *store_,
                                                           .objects = objects_,
                                                           .runner = runner_,
                                                           .reader = reader_,
                                                           .uploads = folder_->path(),
                                                           .mirror = {},
                                                           .import_dir = {}}};
};

TEST_F(SequencesApi, AFetchIsOneOfTheDownloadsAtOnce) {
  streams_ = {.most = 1, .wait = std::chrono::milliseconds(100), .look = std::chrono::milliseconds(5)};
  start();
  jobs_.jobs = {make_job(1)};
  jobs_.add_file("output.outfmt-6", "6", std::string(std::size_t{32} << 20U, 'x'));
  const std::string target = "/api/blast/databases/none/sequences";
  http::RawClient holding(server_->port(), 4096);
  holding.send("GET " + path(1, "/results/files/output.outfmt-6") + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_EQ(holding.head().status, 200);
  for (const Reply& refused : {get(target + "?ids=a"), ask("POST", target, "", "a 1-2\n")}) {
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.field("Retry-After"), "2");
    EXPECT_EQ(member(refused, "detail"),
              "as many downloads run as may at once (1); try again when one has ended");
  }
  EXPECT_EQ(get(target + "?ids=a&range=x").status, 400) << "it fetches nothing";
  holding.close();
  EXPECT_TRUE(http::eventually([&] { return get(target + "?ids=a").status == 404; }));
  EXPECT_EQ(get(target + "?ids=a").status, 404) << "a fetch that failed holds nothing";
}

}  // namespace
}  // namespace loom::api
