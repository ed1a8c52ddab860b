#include "api/catalog_routes.hpp"

#include "api/job_json.hpp"
#include "api/replies.hpp"
#include "blast/option_spec.hpp"
#include "blast/task_defaults.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;

std::string_view name(blast::Forbids forbids) {
  switch (forbids) {
    case blast::Forbids::nothing:
      return "nothing";
    case blast::Forbids::shards:
      return "shards";
    case blast::Forbids::batches:
      return "batches";
    case blast::Forbids::both:
      return "both";
  }
  return "";
}

std::string_view name(blast::Refers refers) {
  switch (refers) {
    case blast::Refers::nothing:
      return "nothing";
    case blast::Refers::file:
      return "file";
    case blast::Refers::database:
      return "database";
  }
  return "";
}

void write_names(JsonWriter& json, std::string_view key, std::span<const std::string_view> names) {
  if (names.empty()) return;
  json.key(key);
  json.open_array();
  for (const std::string_view one : names) json.value(one);
  json.close_array();
}

void write_range(JsonWriter& json, const blast::Range& range) {
  if (!range.min && !range.max) return;
  json.key("range");
  json.open_object();
  if (range.min) json.member("min", *range.min);
  if (range.max) json.member("max", *range.max);
  json.member("exclusive", range.exclusive);
  json.close_object();
}

void write_option(JsonWriter& json, const blast::OptionSpec& option) {
  json.open_object();
  json.member("name", option.name);
  json.member("type", blast::name(option.type));
  json.member("group", blast::title(option.group));
  json.member("description", option.description);
  if (!option.default_value.empty()) json.member("default", option.default_value);
  write_range(json, option.range);
  write_names(json, "choices", option.choices);
  write_names(json, "needs", option.needs);
  write_names(json, "excludes", option.excludes);
  if (option.refers != blast::Refers::nothing) json.member("refers", name(option.refers));
  json.member("forbids", name(option.forbids));
  if (!option.why.empty()) json.member("why", option.why);
  json.close_object();
}

void write_tasks(JsonWriter& json, blast::Program program) {
  json.key("tasks");
  json.open_array();
  for (const std::string_view task : blast::tasks_of(program)) {
    json.open_object();
    json.member("name", task);
    json.key("defaults");
    json.open_object();
    for (const auto& [option, value] : blast::task_defaults(task)) json.member(option, value);
    json.close_object();
    json.close_object();
  }
  json.close_array();
}

void write_program(JsonWriter& json, blast::Program program) {
  json.open_object();
  json.member("name", blast::name(program));
  json.member("query", blast::name(blast::query_molecule(program)));
  json.member("database", blast::name(blast::database_kind(program)));
  write_tasks(json, program);
  json.key("options");
  json.open_array();
  for (const blast::OptionSpec* option : blast::options_of(program))
    if (!option->hidden && option->group != blast::Group::program) write_option(json, *option);
  json.close_array();
  json.close_object();
}

}  // namespace

std::string programs_json() {
  std::string text;
  JsonWriter json(text);
  json.open_object();
  json.key("programs");
  json.open_array();
  for (const blast::Program program : blast::kPrograms) write_program(json, program);
  json.close_array();
  json.close_object();
  return text;
}

CatalogRoutes::CatalogRoutes(Context& context) : context_(context) {
  std::string text = programs_json();
  programs_.etag = std::make_shared<const std::string>(etag_of(text));
  programs_.body = std::make_shared<const std::string>(std::move(text));
}

void CatalogRoutes::add_to(std::vector<http::Route>& routes) {
  const auto add = [&](std::string pattern, auto handler) {
    auto call = [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
    routes.push_back({verb::get, std::move(pattern),
                      with_caller(context_, without_parameters(context_, std::move(call)))});
  };
  add("/api/blast/programs", &CatalogRoutes::programs);
  add("/api/blast/databases", &CatalogRoutes::databases);
}

/// GET /api/blast/programs -> 200 | 304 | 401.
CatalogRoutes::Reply CatalogRoutes::programs(Request& request, Caller /*caller*/) {
  co_return tagged_reply(request, "application/json", *programs_.etag, programs_.body);
}

/// GET /api/blast/databases -> 200 | 304 | 401.
CatalogRoutes::Reply CatalogRoutes::databases(Request& request, Caller caller) {
  const auto call = [this, &caller] { return context_.deps.jobs.databases(caller, lookup_deadline()); };
  const auto databases = co_await context_.deps.blocking.run(call);
  if (!databases) co_return context_.fail(request, databases.error());
  auto body = std::make_shared<std::string>();
  JsonWriter json(*body);
  json.open_object();
  json.key("databases");
  json.open_array();
  for (const service::DatabaseInfo& database : *databases) write_database(json, database);
  json.close_array();
  json.close_object();
  const std::string etag = etag_of(*body);
  co_return tagged_reply(request, "application/json", etag, std::move(body));
}

}  // namespace loom::api
