#include "api/recommend_routes.hpp"

#include <boost/json.hpp>
#include <limits>

#include "api/body.hpp"
#include "api/replies.hpp"
#include "base/json_writer.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using service::Caller;

constexpr int kOk = 200;

/// {"query": FASTA text, "database": only this one}
struct RecommendRequest {
  std::string query;
  std::string database;
};

Parsed<RecommendRequest> parse_recommend(const std::string& body) {
  namespace json = boost::json;
  boost::system::error_code failed;
  const json::value value = json::parse(body, failed);
  if (failed || !value.is_object())
    return wrong("", "the body must be a JSON object with the members query and, if you like, database");
  RecommendRequest wanted;
  for (const auto& [key, content] : value.get_object()) {
    if ((key != "query" && key != "database") || !content.is_string())
      return wrong(std::string(key), "{}: known are query and database, which are texts", std::string(key));
    (key == "query" ? wanted.query : wanted.database) = std::string(content.get_string());
  }
  if (wanted.query.empty()) return wrong("query", "query is missing: give sequences as FASTA text");
  return wanted;
}

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key);
  json.open_array();
  for (const std::string& text : texts) json.value(text);
  json.close_array();
}

std::string recommend_json(const std::optional<service::QueryLook>& look, blast::Molecule molecule,
                           const std::vector<service::Recommendation>& all) {
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("rules", service::kRecommendRules);
  json.member("molecule", blast::name(molecule));
  if (look) {
    json.member("queries", look->records);
    json.member("letters", look->letters);
    json.member("longest", look->longest);
    json.member("mixed", look->mixed);
    json.member("whole", look->whole);
  }
  json.key("recommendations");
  json.open_array();
  for (const service::Recommendation& one : all) {
    json.open_object();
    json.member("program", one.program);
    if (!one.task.empty()) json.member("task", one.task);
    json.member("database", one.database);
    write_texts(json, "reasons", one.reasons);
    write_texts(json, "warnings", one.warnings);
    json.close_object();
  }
  json.close_array();
  json.close_object();
  return body;
}

}  // namespace

void RecommendRoutes::add_to(std::vector<http::Route>& routes) {
  const auto add = [&](verb method, auto handler) {
    auto call = [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
    routes.push_back({method, "/api/blast/recommend", with_caller(context_, std::move(call)),
                      context_.deps.limits.body_bytes});
  };
  add(verb::get, &RecommendRoutes::get);
  add(verb::post, &RecommendRoutes::post);
}

/// GET /api/blast/recommend?molecule=&longest=&database= -> 200 | 400 | 401 | 404.
RecommendRoutes::Reply RecommendRoutes::get(Request& request, Caller /*caller*/) {
  if (const auto known = check_parameters(request, {"molecule", "longest", "database"}); !known)
    co_return context_.fail(request, known.error());
  const std::string molecule = std::string(request.parameter("molecule").value_or(""));
  if (molecule != "protein" && molecule != "nucleotide")
    co_return context_.fail(
        request, Refusal{error(Code::invalid_argument, "molecule: protein or nucleotide is needed, not '{}'",
                               molecule.substr(0, 80)),
                         "molecule"});
  constexpr std::uint64_t kUsual = 1000;
  const auto longest =
      number_parameter(request, "longest", 1, std::numeric_limits<std::uint32_t>::max(), kUsual);
  if (!longest) co_return context_.fail(request, longest.error());
  const auto kind = molecule == "protein" ? blast::Molecule::protein : blast::Molecule::nucleotide;
  const auto call = [&] {
    return context_.deps.works->recommend(kind, *longest,
                                          std::string(request.parameter("database").value_or("")));
  };
  const auto all = co_await context_.deps.blocking.run(call);
  if (!all) co_return context_.fail(request, all.error());
  co_return json_reply(kOk, recommend_json(std::nullopt, kind, *all));
}

/// POST /api/blast/recommend, {"query": …, "database": …} -> 200 | 400 | 401 | 404 | 413.
RecommendRoutes::Reply RecommendRoutes::post(Request& request, Caller /*caller*/) {
  const auto body = co_await read_body(request, context_.deps.limits.body_bytes);
  if (!body) co_return context_.fail(request, body.error());
  const auto wanted = parse_recommend(*body);
  if (!wanted) co_return context_.fail(request, wanted.error());
  const service::QueryLook look = service::look_at_text(wanted->query);
  if (!look.molecule) {
    const Refusal refusal{
        error(Code::invalid_argument,
              "query: {} letters tell nothing of its kind; say it by GET ?molecule=&longest=", look.letters),
        "query"};
    co_return context_.fail(request, refusal);
  }
  const auto call = [&] {
    return context_.deps.works->recommend(*look.molecule, look.longest, wanted->database);
  };
  const auto all = co_await context_.deps.blocking.run(call);
  if (!all) co_return context_.fail(request, all.error());
  co_return json_reply(kOk, recommend_json(look, *look.molecule, *all));
}

}  // namespace loom::api
