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
Result<BegunJob> begin_whole(Connection& db, const WholeJob& whole, std::string_view owner, UnixTime until,
                             UnixTime now);
Result<Job> end_whole(Connection& db, const WholeEnd& end, UnixTime now);
/// To `to`: failed, or ready.
Status give_up_task(Connection& db, const Lease& lease, TaskState to, const Failure& failure, UnixTime now);
Result<std::vector<Expired>> expire_leases(Connection& db, UnixTime ended_by, UnixTime now,
                                           std::size_t limit);

}  // namespace loom::store::sqlite
