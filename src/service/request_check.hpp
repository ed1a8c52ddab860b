#pragma once
#include "blast/options.hpp"
#include "sched/job_spec.hpp"
#include "sequence/query_map.hpp"
#include "service/job_service.hpp"
#include "service/known_databases.hpp"
#include "service/upload.hpp"

namespace loom::service {

/// A submit that BLAST+ would take, as far as can be known without searching.
struct Checked {
  sched::JobSpec spec;
  sequence::QueryMap queries;
  std::vector<std::string> warnings;
};

/// Errors: invalid_argument for one that is too long.
Status check_title(std::string_view title);

/// Whether these names of databases are looked for where databases are, and nowhere else.
bool names_no_folder(std::string_view names);

/// `database_path`: folders, joined by ':', of the snapshots that the request's database means now. Errors:
/// as JobService::submit.
Result<Checked> check_request(const SubmitRequest& request, const QueryUpload& query, const Limits& limits,
                              KnownDatabases& databases, const std::string& database_path);

/// What the user should be told before such a submit: of its options, its queries and its database. Errors:
/// those of reading the query.
Result<std::vector<std::string>> warnings_of(const Checked& checked, const QueryUpload& query,
                                             std::uint64_t memory_bytes);

}  // namespace loom::service
