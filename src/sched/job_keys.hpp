#pragma once
#include "storage/object_store.hpp"
#include "store/job.hpp"

namespace loom::sched {

/// Where a job's files lie in the object store: all below its prefix.
std::string prefix_of(const store::JobId& id);
storage::ObjectKey output_key(const store::JobId& id);
/// What the engine said on standard error.
storage::ObjectKey messages_key(const store::JobId& id);

}  // namespace loom::sched
