#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "sched/scheduler.hpp"
#include "service/local_jobs.hpp"
#include "storage/files/files_object_store.hpp"
#include "store/sqlite/sqlite_job_store.hpp"

namespace loom::service {

/// The service of jobs as a server has it, without HTTP: over the real job store, objects in files and the
/// databases of the tests.
class LocalServiceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("BLASTDB", LOOM_TESTDATA "/db", 1);  // NOLINT(concurrency-mt-unsafe): there are no threads yet
  }

  LocalServiceTest() {
    for (const char* name : {"work", "uploads"}) std::filesystem::create_directory(folder_->path() / name);
  }

  /// Makes scheduler_ and jobs_. Tasks of searches run in `engine`; it and `objects` are borrowed until
  /// TearDown. Of `options` the folder `work` is set here.
  void make(sched::SchedulerOptions options, exec::ProcessRunner& engine, storage::ObjectStore& objects,
            const Limits& limits = {}) {
    options.work = folder_->path() / "work";
    scheduler_ = sched::Scheduler::make(*store_, objects, engine, std::move(options));
    jobs_ = make_local_jobs({.store = *store_,
                             .objects = objects,
                             .scheduler = *scheduler_,
                             .runner = runner_,
                             .reader = reader_,
                             .databases = databases_,
                             .organisms = organisms_,
                             .limits = limits,
                             .uploads = folder_->path() / "uploads",
                             .hits = folder_->path() / "hits"});
  }

  /// What the test made them over is the test's, and goes before our members.
  void TearDown() override {
    jobs_.reset();
    scheduler_.reset();
  }

  Result<TempDir> folder_ = TempDir::create();
  exec::LocalProcessRunner runner_;
  std::unique_ptr<store::SqliteJobStore> store_ =
      store::SqliteJobStore::open(folder_->path() / "jobs.sqlite").value();
  std::unique_ptr<storage::ObjectStore> files_ =
      storage::FilesObjectStore::open(folder_->path() / "objects").value();
  std::unique_ptr<sched::Scheduler> scheduler_;
  SequenceReader reader_{runner_, folder_->path()};
  DatabaseList databases_{catalog::Snapshots::open(folder_->path() / "databases").value()};
  Organisms organisms_{taxonomy_file(folder_->path()), runner_, databases_};
  std::unique_ptr<JobService> jobs_;
};

}  // namespace loom::service
