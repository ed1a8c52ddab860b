#pragma once
#include <string_view>
#include <vector>

#include "store/job_store.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store::sqlite {

// The changes of JobStore that are about tasks, each inside the caller's transaction; an error leaves it to
// the caller to undo.

Result<std::vector<LeasedTask>> lease_tasks(Connection& db, const JobId& id, std::string_view owner,
                                            std::size_t limit, UnixTime until, UnixTime now);
Result<Lease> renew(Connection& db, const Lease& lease, UnixTime until);
Result<Job> finish_task(Connection& db, const Lease& lease, std::string_view output_key,
                        const RuntimeMetrics& metrics, UnixTime now);
/// To `to`: failed, or ready.
Status give_up_task(Connection& db, const Lease& lease, TaskState to, const Failure& failure, UnixTime now);
Result<std::vector<Expired>> expire_leases(Connection& db, UnixTime ended_by, UnixTime now,
                                           std::size_t limit);
Result<std::vector<Expired>> end_leases_of(Connection& db, const JobId& id, UnixTime now);

}  // namespace loom::store::sqlite
