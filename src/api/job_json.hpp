#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json_writer.hpp"
#include "service/job_service.hpp"
#include "store/job_store.hpp"

namespace loom::api {

// The JSON of doc/openapi.yaml, written by hand: a list of jobs is the server's most frequent reply.

/// `outfmt` as the job's options ask for; `eta_seconds` only if it is known.
void write_job(JsonWriter& json, const store::Job& job, std::string_view outfmt,
               std::optional<double> eta_seconds);
void write_task(JsonWriter& json, const store::Task& task);
/// What a GET of events and an event stream's data show.
void write_event(JsonWriter& json, const store::Event& event);
void write_explanation(JsonWriter& json, const store::JobId& id, const service::Explanation& explanation);
void write_preflight(JsonWriter& json, const service::Preflight& plan);
void write_database(JsonWriter& json, const service::DatabaseInfo& database);
/// The path of a job.
std::string job_path(const store::JobId& id);

}  // namespace loom::api
