#pragma once
#include <filesystem>
#include <stop_token>

#include "base/mutex.hpp"
#include "exec/process_runner.hpp"
#include "results/index_builder.hpp"
#include "sched/job_spec.hpp"
#include "service/hit_indexes.hpp"
#include "service/job_service.hpp"
#include "service/upload.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::service {

/// Results that were made elsewhere, as completed jobs: the file is kept as the job's output, and its hits
/// are indexed while it is taken, so that a file which is none is refused. Thread-safe; one at a time is
/// indexed. Blocking: on disk; for archives on blast_formatter.
class Imports {
 public:
  /// References are borrowed. `scratch`: a folder for files that nobody sees.
  Imports(store::JobStore& store, storage::ObjectStore& objects, exec::ProcessRunner& runner,
          std::filesystem::path scratch)
      : store_(store), objects_(objects), runner_(runner), scratch_(std::move(scratch)) {}

  /// Errors: as JobService::import_result; conflict for an archive whose database is not here; unavailable
  /// after stop().
  Result<store::Job> take(const std::string& owner, const ImportRequest& request,
                          std::unique_ptr<Upload> sent) EXCLUDES(indexing_);
  /// What is being taken is given up soon. At once.
  void stop() { stop_.request_stop(); }
  /// To index the file of `job` again. `made`: where what blast_formatter made of an archive was kept.
  Result<HitIndexes::Source> source(const store::Job& job, const sched::JobSpec& spec,
                                    const storage::ObjectKey& made, Deadline deadline);

 private:
  struct File;
  [[nodiscard]] Status check_open() const;
  Result<results::IndexCounts> index(File& file, const std::filesystem::path& folder) EXCLUDES(indexing_);
  Result<store::Job> keep(const store::NewJob& job, const File& file);
  Status keep_files(const store::JobId& id, const File& file);

  store::JobStore& store_;
  storage::ObjectStore& objects_;
  exec::ProcessRunner& runner_;
  const std::filesystem::path scratch_;
  std::stop_source stop_;
  Mutex indexing_;  // each takes the memory of making an index
};

/// Removes all objects of a job, but for its query.
void remove_files_of(storage::ObjectStore& objects, const store::JobId& id);

}  // namespace loom::service
