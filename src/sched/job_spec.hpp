#pragma once
#include <cstdint>
#include <string>
#include <string_view>

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
  std::string snapshot;              ///< of the database when it was submitted (snapshot_of); empty: none
  std::uint64_t database_bytes = 0;  ///< of its sequence files
};

/// JSON: {"options":[{"name":…,"value":…}…],"on_saturation":…,"snapshot":…,"database_bytes":…}.
std::string to_json(const JobSpec& spec);
/// Errors: corrupt.
Result<JobSpec> parse_job_spec(std::string_view program, std::string_view json);

/// Tells one state of a database from another: counts, date and format version.
std::string snapshot_of(const catalog::Database& database);

/// A task's `spec` for the store, and the plan that a job's tasks were made from.
std::string to_json(const search::Step& step, const plan::Plan& plan);
/// Errors: corrupt.
Result<plan::Plan> plan_of(const std::vector<store::Task>& tasks);

}  // namespace loom::sched
