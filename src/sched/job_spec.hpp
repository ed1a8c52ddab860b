#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "blast/options.hpp"
#include "catalog/database.hpp"
#include "plan/planner.hpp"
#include "search/settings.hpp"
#include "search/split_search.hpp"
#include "store/job.hpp"

namespace loom::sched {

/// What the store keeps of a search as `options` of its job: enough to run it again to the same bytes.
struct JobSpec {
  blast::Options options;  ///< without -query, -out and -num_threads
  search::OnSaturation on_saturation = search::OnSaturation::identical;
  std::string snapshot;         ///< of the database when it was submitted (snapshot_of); empty: none
  std::string database_path{};  ///< folders of the pinned snapshots, joined by ':'; empty: found in BLASTDB
  std::uint64_t database_bytes = 0;  ///< of its sequence files
  bool fresh = false;                ///< search even if the answer is known
  std::string engine{};              ///< version of BLAST+ when it was submitted: "2.12.0+"; empty: not known
  std::string
      imported{};  ///< "xml", "archive" or "tabular": a result that was made elsewhere; empty: a search
};

/// JSON: {"options":[{"name":…,"value":…}…],"on_saturation":…,"snapshot":…,"database_bytes":…},
/// and "fresh":true if it is.
std::string to_json(const JobSpec& spec);
/// Errors: corrupt.
Result<JobSpec> parse_job_spec(std::string_view program, std::string_view json);

/// Tells one state of a database from another: counts, date, format version, and the ids of kept snapshots.
std::string snapshot_of(const catalog::Database& database, std::string_view database_path);

/// The database of a job, of its own snapshot. Errors: those of search::open_search_database; corrupt when it
/// is not what it was; conflict when its snapshot was removed.
Result<catalog::Database> open_job_database(const JobSpec& spec);
/// BLASTDB with the folders of pinned snapshots (joined by ':') in front; empty without them.
std::vector<std::string> database_environment(const std::string& database_path);

/// A task's `spec` for the store, and the plan that a job's tasks were made from.
/// `known_queries` are answered without a task.
std::string to_json(const search::Step& step, const plan::Plan& plan, std::uint64_t known_queries);
/// Of the job with these tasks.
std::uint64_t known_queries_of(const std::vector<store::Task>& tasks);
/// Errors: corrupt.
Result<plan::Plan> plan_of(const std::vector<store::Task>& tasks);

}  // namespace loom::sched
