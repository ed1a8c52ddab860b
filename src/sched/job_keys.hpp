#pragma once
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::sched {

/// For one call of the job store or of the object store.
inline Deadline store_deadline() {
  return Deadline::in(std::chrono::seconds(30));
}

/// Where a job's files lie in the object store: all below its prefix.
std::string prefix_of(const store::JobId& id);
/// The job whose file lies there; nullopt if it is none of a job.
std::optional<store::JobId> job_of(const storage::ObjectKey& key);
storage::ObjectKey output_key(const store::JobId& id);
/// What the engine said on standard error.
storage::ObjectKey messages_key(const store::JobId& id);
/// Sentences on what slowed the job down, one a line; there where something did.
storage::ObjectKey notes_key(const store::JobId& id);
/// Those sentences. Blocking. None where they cannot be read.
std::vector<std::string> notes_of(storage::ObjectStore& objects, const store::JobId& id, Deadline deadline);
/// The query of `job`, wherever it is kept. Both stores are asked while it is opened only.
Result<std::unique_ptr<storage::ObjectReader>> open_query(store::JobStore& jobs,
                                                          storage::ObjectStore& objects,
                                                          const store::Job& job, Deadline deadline);

/// What a completed job wrote, and what the engine said, wherever they are kept. As open_query.
Result<std::unique_ptr<storage::ObjectReader>> open_output(store::JobStore& jobs,
                                                           storage::ObjectStore& objects,
                                                           const store::Job& job, Deadline deadline);
Result<std::unique_ptr<storage::ObjectReader>> open_messages(store::JobStore& jobs,
                                                             storage::ObjectStore& objects,
                                                             const store::Job& job, Deadline deadline);

}  // namespace loom::sched
