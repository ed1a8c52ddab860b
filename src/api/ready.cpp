#include "api/ready.hpp"

#include <string_view>

#include "base/json_writer.hpp"

namespace loom::api {
namespace {

void write_clauses(JsonWriter& json, std::string_view name, const std::vector<std::string>& clauses) {
  json.key(name);
  json.open_array();
  for (const std::string& clause : clauses) json.value(clause);
  json.close_array();
}

}  // namespace

std::string ready_json(const ReadyState& state) {
  std::string text;
  JsonWriter json(text);
  json.open_object();
  json.member("status", !state.lacking.empty() ? "not_ready" : state.reading ? "reading" : "ready");
  write_clauses(json, "lacking", state.lacking);
  write_clauses(json, "degraded", state.degraded);
  json.close_object();
  return text;
}

}  // namespace loom::api
