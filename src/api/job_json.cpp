#include "api/job_json.hpp"

#include <boost/json.hpp>

#include "base/time_text.hpp"

namespace loom::api {
namespace {

namespace json_lib = boost::json;

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name);
  json.open_array();
  for (const std::string& text : texts) json.value(text);
  json.close_array();
}

void write_options(JsonWriter& json, const json_lib::object& kept) {
  json.key("options");
  json.open_object();
  if (const auto* options = kept.if_contains("options"); options != nullptr && options->is_array()) {
    for (const json_lib::value& one : options->get_array()) {
      const auto* option = one.if_object();
      const auto* name = option == nullptr ? nullptr : option->if_contains("name");
      const auto* text = option == nullptr ? nullptr : option->if_contains("value");
      if (name == nullptr || !name->is_string() || text == nullptr || !text->is_string()) continue;
      json.key(std::string_view(name->get_string()));
      const std::string_view shown(text->get_string());
      // Only a flag has no text.
      if (shown.empty()) {
        json.value(true);
      } else {
        json.value(shown);
      }
    }
  }
  json.close_object();
  for (const std::string_view name : {"on_saturation", "snapshot", "imported"}) {
    const auto* text = kept.if_contains(name);
    if (text != nullptr && text->is_string() && !text->get_string().empty())
      json.member(name, std::string_view(text->get_string()));
  }
}

// What the scheduler keeps with a job (sched/job_spec.hpp). What cannot be read shows as no options.
void write_spec(JsonWriter& json, std::string_view spec) {
  boost::system::error_code failed;
  const json_lib::value value = json_lib::parse({spec.data(), spec.size()}, failed);
  write_options(json, !failed && value.is_object() ? value.get_object() : json_lib::object());
}

void write_failure(JsonWriter& json, const store::Failure& failure) {
  if (failure.kind.empty() && failure.sentence.empty()) return;
  json.key("failure");
  json.open_object();
  json.member("kind", failure.kind);
  json.member("message", failure.sentence);
  json.close_object();
}

void write_metrics(JsonWriter& json, const std::optional<store::RuntimeMetrics>& metrics) {
  if (!metrics) return;
  json.key("metrics");
  json.open_object();
  json.member("cpu_seconds", metrics->cpu_seconds);
  json.member("wall_seconds", metrics->wall_seconds);
  json.member("peak_bytes", metrics->peak_bytes);
  json.member("letters", metrics->letters);
  json.close_object();
}

double fraction_of(const store::Job& job) {
  if (job.state == store::JobState::completed) return 1;
  if (job.letters_total == 0) return 0;
  return static_cast<double>(job.letters_done) / static_cast<double>(job.letters_total);
}

void write_progress(JsonWriter& json, const store::Job& job) {
  json.key("progress");
  json.open_object();
  json.member("tasks_done", job.tasks_done);
  json.member("tasks_total", job.tasks_total);
  json.member("letters_done", job.letters_done);
  json.member("letters_total", job.letters_total);
  json.member("fraction", fraction_of(job));
  json.close_object();
}

void write_links(JsonWriter& json, const store::JobId& id) {
  const std::string self = job_path(id);
  json.key("links");
  json.open_object();
  json.member("self", self);
  for (const std::string_view part : {"events", "tasks", "results", "explain"})
    json.member(part, fmt::format("{}/{}", self, part));
  json.close_object();
}

}  // namespace

std::string job_path(const store::JobId& id) {
  return "/api/blast/jobs/" + id.str();
}

void write_job(JsonWriter& json, const store::Job& job, std::string_view outfmt,
               std::optional<double> eta_seconds) {
  json.open_object();
  json.member("id", job.id.str());
  json.member("status", name(job.state));
  json.member("program", job.request.program);
  json.member("database", job.request.database);
  json.member("title", job.request.title);
  json.member("owner", job.request.owner);
  json.member("priority", job.request.priority);
  write_spec(json, job.request.options);
  json.member("outfmt", outfmt);
  json.member("queries", job.request.queries);
  json.member("letters", job.request.letters);
  json.member("created", time_text(job.created));
  if (job.started) json.member("started", time_text(*job.started));
  if (job.finished) json.member("finished", time_text(*job.finished));
  write_progress(json, job);
  if (eta_seconds) json.member("eta_seconds", *eta_seconds);
  write_failure(json, job.failure);
  write_metrics(json, job.metrics);
  if (job.reused) json.member("reused", true);
  json.member("version", job.version);
  write_links(json, job.id);
  json.close_object();
}

void write_task(JsonWriter& json, const store::Task& task) {
  json.open_object();
  json.member("index", task.id.index);
  json.member("status", name(task.state));
  json.member("first_query", task.work.first_query);
  json.member("queries", task.work.queries);
  json.member("letters", task.work.letters);
  json.member("shard", task.work.shard);
  json.member("attempts", task.attempts);
  if (task.lease_until) json.member("lease_until", time_text(*task.lease_until));
  write_failure(json, task.failure);
  write_metrics(json, task.metrics);
  json.close_object();
}

void write_event(JsonWriter& json, const store::Event& event) {
  json.open_object();
  json.member("order", event.order);
  json.member("job", event.job.str());
  json.member("owner", event.owner);
  json.member("seq", event.seq);
  json.member("at", time_text(event.at));
  json.member("kind", name(event.kind));
  json.member("status", name(event.state));
  if (event.task) json.member("task", *event.task);
  json.member("tasks_done", event.tasks_done);
  json.member("tasks_total", event.tasks_total);
  json.member("letters_done", event.letters_done);
  json.member("letters_total", event.letters_total);
  write_failure(json, event.failure);
  json.close_object();
}

void write_explanation(JsonWriter& json, const store::JobId& id, const service::Explanation& explanation) {
  json.open_object();
  json.member("job", id.str());
  json.member("summary", explanation.summary);
  write_texts(json, "reasons", explanation.reasons);
  if (!explanation.advice.empty()) json.member("advice", explanation.advice);
  if (explanation.position) json.member("position", *explanation.position);
  if (explanation.eta_seconds) json.member("eta_seconds", *explanation.eta_seconds);
  if (explanation.eta_error) json.member("eta_error", *explanation.eta_error);
  json.close_object();
}

void write_preflight(JsonWriter& json, const service::Preflight& plan) {
  json.open_object();
  json.member("queries", plan.queries);
  json.member("letters", plan.letters);
  json.member("tasks", plan.tasks);
  json.member("shards", plan.shards);
  json.member("cpu_seconds", plan.cpu_seconds);
  json.member("wall_seconds", plan.wall_seconds);
  json.member("workers", plan.workers);
  write_texts(json, "reasons", plan.reasons);
  write_texts(json, "warnings", plan.warnings);
  json.close_object();
}

void write_database(JsonWriter& json, const service::DatabaseInfo& database) {
  json.open_object();
  json.member("name", database.name);
  json.member("title", database.title);
  json.member("molecule", database.molecule);
  json.member("kind", database.profiles ? "profiles" : "sequences");
  json.member("sequences", database.sequences);
  json.member("letters", database.letters);
  json.member("bytes", database.bytes);
  json.member("date", database.date);
  json.member("version", database.version);
  for (const auto& [name, text] :
       {std::pair<std::string_view, const std::string&>{"snapshot", database.snapshot},
        {"source", database.source},
        {"verified", database.verified},
        {"fault", database.fault}})
    if (!text.empty()) json.member(name, text);
  json.close_object();
}

}  // namespace loom::api
