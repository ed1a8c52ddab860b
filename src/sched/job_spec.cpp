#include "sched/job_spec.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "search/scout.hpp"

namespace loom::sched {

namespace json = boost::json;

std::string to_json(const JobSpec& spec) {
  json::array options;
  for (const auto& entry : spec.options.entries())
    options.push_back(json::object{{"name", std::string(entry.spec->name)}, {"value", entry.text}});
  const bool complete = spec.on_saturation == search::OnSaturation::complete;
  json::object text{{"options", std::move(options)},
                    {"on_saturation", complete ? "complete" : "identical"},
                    {"snapshot", spec.snapshot},
                    {"database_path", spec.database_path},
                    {"database_bytes", spec.database_bytes}};
  if (spec.fresh) text["fresh"] = true;
  if (!spec.engine.empty()) text["engine"] = spec.engine;
  if (!spec.imported.empty()) text["imported"] = spec.imported;
  return json::serialize(text);
}

namespace {

Result<JobSpec> read_spec(blast::Program program, const json::value& value) {
  JobSpec spec{.options = blast::Options(program), .snapshot = {}};
  for (const json::value& one : value.at("options").as_array()) {
    const std::string name(one.at("name").as_string());
    if (Status set = spec.options.set(name, std::string(one.at("value").as_string())); !set)
      return error(Code::corrupt, "stored option: {}", set.error().message);
  }
  if (value.at("on_saturation").as_string() == "complete")
    spec.on_saturation = search::OnSaturation::complete;
  spec.snapshot = std::string(value.at("snapshot").as_string());
  if (const json::value* path = value.as_object().if_contains("database_path"))
    spec.database_path = std::string(path->as_string());
  spec.database_bytes = value.at("database_bytes").to_number<std::uint64_t>();
  if (const json::value* fresh = value.as_object().if_contains("fresh")) spec.fresh = fresh->as_bool();
  for (const auto& [name, into] : {std::pair{"engine", &spec.engine}, std::pair{"imported", &spec.imported}})
    if (const json::value* text = value.as_object().if_contains(name)) *into = std::string(text->as_string());
  return spec;
}

}  // namespace

Result<JobSpec> parse_job_spec(std::string_view program, std::string_view text) {
  LOOM_TRY(const blast::Program known, blast::parse_program(std::string(program)));
  try {
    return read_spec(known, json::parse({text.data(), text.size()}));
  } catch (const std::exception& e) {
    return error(Code::corrupt, "stored options of a job: {}", e.what());
  }
}

std::string snapshot_of(const catalog::Database& database, std::string_view database_path) {
  std::string text = fmt::format("{} sequences, {} letters, {}, v{}", database.sequences, database.letters,
                                 database.date, database.version);
  for (const auto& folder : catalog::split_folders(database_path)) text += ", " + folder.filename().string();
  return text;
}

std::vector<std::string> database_environment(const std::string& database_path) {
  if (database_path.empty()) return {};
  const char* rest =
      std::getenv("BLASTDB");  // NOLINT(concurrency-mt-unsafe): nobody sets it once there are threads
  return {"BLASTDB=" + database_path + (rest == nullptr ? std::string() : ":" + std::string(rest))};
}

Result<catalog::Database> open_job_database(const JobSpec& spec) {
  for (const auto& folder : catalog::split_folders(spec.database_path)) {
    if (std::error_code unknown; !std::filesystem::is_directory(folder, unknown))
      return error(Code::conflict,
                   "the database's snapshot {} of this job was removed; submit the search again",
                   folder.filename().string());
  }
  auto opened = search::open_search_database(spec.options, spec.database_path);
  if (!opened && opened.error().code == Code::not_found)  // without the folders where it was looked for
    return error(
        Code::not_found,
        "the database {} of this job is not on this server; GET /api/blast/databases lists those there are",
        spec.options.find("db")->text.substr(0, 100));
  LOOM_TRY(catalog::Database database, std::move(opened));
  const std::string now = snapshot_of(database, spec.database_path);
  if (spec.snapshot.empty() || now == spec.snapshot) return database;
  return error(Code::corrupt,
               "the database {} is not what it was when the job was submitted ({}, now {}); submit it again",
               database.names, spec.snapshot, now);
}

std::string to_json(const search::Step& step, const plan::Plan& plan, std::uint64_t known_queries) {
  const plan::Task& task = plan.searches[step.search];
  json::object spec{{"search", step.search},   {"first_unit", task.first_unit}, {"last_unit", task.last_unit},
                    {"threads", task.threads}, {"seconds", task.seconds},       {"shards", plan.shards}};
  if (step.shard) spec["scout_of_shard"] = *step.shard;
  if (known_queries > 0) spec["known_queries"] = known_queries;
  return json::serialize(spec);
}

std::uint64_t known_queries_of(const std::vector<store::Task>& tasks) {
  if (tasks.empty()) return 0;
  std::error_code failed;
  const json::value spec = json::parse(tasks.front().work.spec, failed);
  const json::value* known =
      failed || !spec.is_object() ? nullptr : spec.as_object().if_contains("known_queries");
  return known == nullptr ? 0 : known->to_number<std::uint64_t>(failed);
}

Result<plan::Plan> plan_of(const std::vector<store::Task>& tasks) {
  plan::Plan plan;
  try {
    for (const store::Task& task : tasks) {
      const json::value spec = json::parse({task.work.spec.data(), task.work.spec.size()});
      plan.shards = spec.at("shards").to_number<int>();
      if (spec.as_object().contains("scout_of_shard")) continue;
      plan.searches.push_back({.first_unit = spec.at("first_unit").to_number<std::size_t>(),
                               .last_unit = spec.at("last_unit").to_number<std::size_t>(),
                               .threads = spec.at("threads").to_number<int>(),
                               .seconds = spec.at("seconds").to_number<double>()});
      plan.seconds += plan.searches.back().seconds;
    }
  } catch (const std::exception& e) {
    return error(Code::corrupt, "stored plan of a job: {}", e.what());
  }
  return plan;
}

}  // namespace loom::sched
