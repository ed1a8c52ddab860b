#pragma once
#include <optional>
#include <string>
#include <vector>

#include "store/job_store.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store::sqlite {

// The reads of JobStore.

Result<JobPage> list(Connection& db, const JobFilter& filter, const std::optional<JobCursor>& after,
                     std::size_t limit);
Result<JobPage> jobs_without_metrics(Connection& db, const std::optional<JobCursor>& after,
                                     std::size_t limit);
Result<JobCounts> counts(Connection& db);
Result<std::string> query_of(Connection& db, const JobId& id);
Result<std::uint64_t> users_of_query(Connection& db, std::string_view query_key);
Result<Answer> answer_of(Connection& db, const JobId& id);
Result<std::uint64_t> answer_bytes(Connection& db);
Result<std::vector<Task>> tasks(Connection& db, const JobId& id, std::uint32_t first, std::size_t limit);
Result<std::vector<Event>> read_events(Connection& db, const JobId& id, std::uint64_t after,
                                       std::size_t limit);
Result<std::vector<Event>> read_all_events(Connection& db, std::uint64_t after, std::size_t limit);

/// The statement of list, which depends on what is set; tests look at how SQLite runs it.
std::string list_sql(const JobFilter& filter, bool has_cursor);

}  // namespace loom::store::sqlite
