#include "api/taxonomy_routes.hpp"

#include "api/replies.hpp"
#include "base/json_writer.hpp"
#include "base/number.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using service::Caller;
using taxonomy::Taxon;

constexpr int kOk = 200;
constexpr std::size_t kMostMatches = 100;
constexpr std::size_t kDefaultMatches = 10;

void write_taxon(JsonWriter& json, const Taxon& taxon) {
  json.member("taxid", taxon.id);
  json.member("name", taxon.name);
  json.member("rank", taxon.rank);
}

std::string matches_json(bool imported, const std::vector<taxonomy::NameMatch>& matches) {
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("imported", imported);
  json.key("taxa");
  json.open_array();
  for (const auto& match : matches) {
    json.open_object();
    write_taxon(json, match.taxon);
    json.member("matched", match.matched.text);
    json.member("descendants", match.taxon.descendants);
    json.close_object();
  }
  json.close_array();
  json.close_object();
  return body;
}

std::string taxon_json(const std::vector<Taxon>& lineage) {
  std::string body;
  JsonWriter json(body);
  json.open_object();
  write_taxon(json, lineage.back());
  json.member("descendants", lineage.back().descendants);
  json.key("lineage");
  json.open_array();
  for (const Taxon& taxon : lineage) {
    json.open_object();
    write_taxon(json, taxon);
    json.close_object();
  }
  json.close_array();
  json.close_object();
  return body;
}

}  // namespace

void TaxonomyRoutes::add_to(std::vector<http::Route>& routes) {
  const auto add = [&](std::string pattern, auto handler) {
    auto call = [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
    routes.push_back({verb::get, std::move(pattern), with_caller(context_, std::move(call))});
  };
  add("/api/blast/taxonomy", &TaxonomyRoutes::complete);
  add("/api/blast/taxonomy/{taxid}", &TaxonomyRoutes::get);
}

/// GET /api/blast/taxonomy?text=&limit= -> 200 | 400 | 401.
TaxonomyRoutes::Reply TaxonomyRoutes::complete(Request& request, Caller /*caller*/) {
  if (const auto known = check_parameters(request, {"text", "limit"}); !known)
    co_return context_.fail(request, known.error());
  const auto limit = number_parameter(request, "limit", 1, kMostMatches, kDefaultMatches);
  if (!limit) co_return context_.fail(request, limit.error());
  const std::string text(request.parameter("text").value_or(""));
  if (text.empty())
    co_return context_.fail(request,
                            Refusal{error(Code::invalid_argument, "text: give the begin of a name"), "text"});
  const auto call = [&]() -> Result<std::string> {
    const auto tree = context_.deps.organisms->taxonomy();
    if (!tree && tree.error().code == Code::not_found) return matches_json(false, {});
    if (!tree) return tree.error();
    return matches_json(true, (*tree)->complete(text, static_cast<std::size_t>(*limit)));
  };
  auto body = co_await context_.deps.blocking.run(call);
  if (!body) co_return context_.fail(request, body.error());
  co_return json_reply(kOk, *std::move(body));
}

/// GET /api/blast/taxonomy/{taxid} -> 200 | 401 | 404.
TaxonomyRoutes::Reply TaxonomyRoutes::get(Request& request, Caller /*caller*/) {
  const std::string& text = request.captures[0];
  const auto call = [&]() -> Result<std::string> {
    const auto id = number_of<taxonomy::TaxId>(text);
    if (!id) return error(Code::not_found, "'{}' is no taxid", text.substr(0, 40));
    LOOM_TRY(const auto tree, context_.deps.organisms->taxonomy());
    LOOM_TRY(const std::vector<Taxon> lineage, tree->lineage(*id));
    return taxon_json(lineage);
  };
  auto body = co_await context_.deps.blocking.run(call);
  if (!body) co_return context_.fail(request, body.error());
  co_return json_reply(kOk, *std::move(body));
}

}  // namespace loom::api
