#include "api/reports_routes.hpp"

#include "api/hit_requests.hpp"
#include "api/replies.hpp"
#include "base/json_writer.hpp"
#include "results/page_json.hpp"
#include "sched/job_spec.hpp"
#include "service/provenance.hpp"
#include "service/taxonomy_report.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using results::HspRow;
using results::Page;
using service::Caller;
using service::ProvenanceFormat;

// Below what proxies and clients wait for a first byte.
constexpr std::chrono::seconds kMakeTime{20};
constexpr std::chrono::seconds kWriteTime{45};
constexpr std::size_t kMostAlignments = 100;
constexpr std::size_t kDefaultAlignments = 20;
constexpr std::size_t kMostTaxa = 10'000;
constexpr std::size_t kDefaultTaxa = 2'000;

/// The HSPs of `ids`, or of the page that the request asks for.
Parsed<Page<HspRow>> rows_of(const Request& request, results::HitIndex& index, Deadline deadline) {
  const auto ids = id_list(request, "ids", kMostAlignments);
  if (!ids) return tl::unexpected(ids.error());
  auto wanted = hit_request(request, {"ids", "text", "limit"});
  if (!wanted) return tl::unexpected(wanted.error());
  const auto limit = number_parameter(request, "limit", 1, kMostAlignments, kDefaultAlignments);
  if (!limit) return tl::unexpected(limit.error());
  wanted->limit = static_cast<std::size_t>(*limit);
  wanted->alignments = true;
  if (ids->empty()) {
    auto page = index.hsps(*wanted, deadline);
    if (!page) return tl::unexpected(refusal_of(page.error()));
    return *std::move(page);
  }
  Page<HspRow> page;
  for (const std::int64_t id : *ids) {
    if (id >= static_cast<std::int64_t>(index.counts().hsps))
      return wrong("ids", "ids: there is no HSP {}; they are numbered from 0 to {}", id,
                   static_cast<std::int64_t>(index.counts().hsps) - 1);
    auto one = index.hsps({.limit = 1, .alignments = true, .hsps = std::pair{id, id}}, deadline);
    if (!one) return tl::unexpected(refusal_of(one.error()));
    page.rows.push_back(std::move(one->rows.front()));
  }
  page.total = page.rows.size();
  return page;
}

/// As for results::midline.
std::string matrix_of(const store::Job& job) {
  if (job.request.program == "blastn") return "";
  const auto spec = sched::parse_job_spec(job.request.program, job.request.options);
  const auto* matrix = spec ? spec->options.find("matrix") : nullptr;
  return matrix == nullptr ? "BLOSUM62" : matrix->text;
}

void write_taxon(JsonWriter& json, const service::TaxonomyReport& report, std::size_t place) {
  const service::TaxonCounts& taxon = report.taxa[place];
  json.open_object();
  json.member("taxid", taxon.taxid);
  json.key("parent");
  taxon.parent == place ? json.raw("null") : json.value(report.taxa[taxon.parent].taxid);
  json.member("name", taxon.name);
  json.member("rank", taxon.rank);
  json.member("depth", taxon.depth);
  json.member("hits", taxon.hits);
  json.member("queries", taxon.queries);
  json.member("subjects", taxon.subjects);
  json.member("own_hits", taxon.own_hits);
  json.member("evalue", taxon.evalue);
  json.member("max_score", taxon.bitscore);
  json.close_object();
}

std::string taxonomy_json(const service::TaxonomyReport& report) {
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("lineages", report.lineages);
  json.key("taxa");
  json.open_array();
  for (std::size_t i = 0; i < report.taxa.size(); ++i) write_taxon(json, report, i);
  json.close_array();
  json.member("total", report.total);
  json.member("hits", report.hits);
  json.member("unassigned", report.unassigned);
  json.close_object();
  return body;
}

std::pair<std::string_view, std::string_view> type_and_name(ProvenanceFormat format) {
  switch (format) {
    case ProvenanceFormat::json:
      return {"application/json", "provenance.json"};
    case ProvenanceFormat::methods:
      return {"text/plain; charset=utf-8", "methods.txt"};
    case ProvenanceFormat::bibtex:
      return {"application/x-bibtex; charset=utf-8", "references.bib"};
    case ProvenanceFormat::sh:
      return {"text/x-shellscript; charset=utf-8", "search.sh"};
    case ProvenanceFormat::nextflow:
      return {"text/plain; charset=utf-8", "search.nf"};
    case ProvenanceFormat::snakemake:
      return {"text/plain; charset=utf-8", "Snakefile"};
  }
  return {"text/plain; charset=utf-8", "provenance.txt"};
}

}  // namespace

void ReportsRoutes::add_to(std::vector<http::Route>& routes) {
  const auto add = [&](std::string_view name, auto handler) {
    auto call = [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
    routes.push_back({verb::get, fmt::format("/api/blast/jobs/{{id}}/results/{}", name),
                      with_caller(context_, std::move(call))});
  };
  add("alignments", &ReportsRoutes::alignments);
  add("taxonomy", &ReportsRoutes::taxonomy);
  auto call = [this](Request& request, Caller caller) { return provenance(request, std::move(caller)); };
  routes.push_back(download_route(context_, "/api/blast/jobs/{id}/results/provenance", std::move(call)));
}

Parsed<std::string> ReportsRoutes::alignments_body(const Request& request, const Caller& caller,
                                                   const store::JobId& id, results::HitIndex& index) const {
  const auto with_text = flag_parameter(request, "text");
  if (!with_text) return tl::unexpected(with_text.error());
  const auto page = rows_of(request, index, lookup_deadline());
  if (!page) return tl::unexpected(page.error());
  const auto job = context_.deps.jobs.get(caller, id, lookup_deadline());
  if (!job) return tl::unexpected(Refusal{job.error()});
  std::optional<results::PairwiseTexts> texts;
  if (with_text->value_or(false)) {
    auto written = context_.deps.jobs.pairwise(caller, id, page->rows, Deadline::in(kWriteTime));
    if (!written) return tl::unexpected(Refusal{written.error()});
    texts = *std::move(written);
  }
  std::string body;
  JsonWriter json(body);
  results::write_alignments(json, *page, matrix_of(*job), texts ? &*texts : nullptr);
  return body;
}

/// GET …/results/alignments -> 200 | 202 | 400 | 401 | 404 | 409 | 504.
ReportsRoutes::Reply ReportsRoutes::alignments(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto index = co_await context_.hits(caller, *id);
  if (!index) co_return context_.fail(request, index.error());
  if (!*index) co_return indexing_reply();
  const auto write = [&, this]() -> Result<Parsed<std::string>> {
    return alignments_body(request, caller, *id, **index);
  };
  auto body = Result<Parsed<std::string>>(std::string());
  if (request.parameter("text")) {
    body = co_await context_.run(context_.texts, write);
  } else {
    body = co_await context_.deps.blocking.run(write);
  }
  if (!body) co_return context_.fail(request, body.error());
  if (!*body) co_return context_.fail(request, body->error());
  Response response = json_reply(200, **std::move(body));
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  co_return response;
}

Parsed<std::string> ReportsRoutes::taxonomy_body(const Request& request, results::HitIndex& index) const {
  const auto wanted = hit_request(request, {"limit"});
  if (!wanted) return tl::unexpected(wanted.error());
  const auto limit = number_parameter(request, "limit", 1, kMostTaxa, kDefaultTaxa);
  if (!limit) return tl::unexpected(limit.error());
  std::shared_ptr<const taxonomy::Taxonomy> tree;
  if (context_.deps.organisms != nullptr) {
    auto open = context_.deps.organisms->taxonomy();
    // Before an import the taxids stand alone.
    if (!open && open.error().code != Code::not_found) return tl::unexpected(Refusal{open.error()});
    if (open) tree = *std::move(open);
  }
  const auto report = service::report_taxonomy(index, *wanted, tree.get(), static_cast<std::size_t>(*limit),
                                               Deadline::in(kMakeTime));
  if (!report) return tl::unexpected(refusal_of(report.error()));
  return taxonomy_json(*report);
}

/// GET …/results/taxonomy -> 200 | 202 | 400 | 401 | 404 | 409 | 504.
ReportsRoutes::Reply ReportsRoutes::taxonomy(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto index = co_await context_.hits(caller, *id);
  if (!index) co_return context_.fail(request, index.error());
  if (!*index) co_return indexing_reply();
  const auto write = [&, this]() -> Result<Parsed<std::string>> { return taxonomy_body(request, **index); };
  auto body = co_await context_.deps.blocking.run(write);
  if (!body) co_return context_.fail(request, body.error());
  if (!*body) co_return context_.fail(request, body->error());
  Response response = json_reply(200, **std::move(body));
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  co_return response;
}

/// GET …/results/provenance -> 200 | 400 | 401 | 404 | 409.
ReportsRoutes::Reply ReportsRoutes::provenance(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  if (const auto known = check_parameters(request, {"format"}); !known)
    co_return context_.fail(request, known.error());
  const auto format = service::parse_provenance_format(request.parameter("format").value_or("json"));
  if (!format) co_return context_.fail(request, Refusal{format.error(), "format"});
  const auto write = [this, &caller, &id, &format]() -> Result<std::string> {
    LOOM_TRY(const service::Provenance found, context_.deps.jobs.provenance(caller, *id, lookup_deadline()));
    return service::provenance_text(found, *format, context_.deps.version);
  };
  auto text = co_await context_.look_up(write);
  if (!text) co_return context_.fail(request, text.error());
  const auto [type, name] = type_and_name(*format);
  Response response{200,
                    {{"Content-Type", std::string(type)},
                     {"X-Content-Type-Options", "nosniff"},
                     {"Cache-Control", "private, no-cache"}},
                    *std::move(text)};
  if (*format != ProvenanceFormat::json)
    response.headers.emplace_back(
        "Content-Disposition", fmt::format("inline; filename=\"blast-{}-{}\"", id->str().substr(0, 8), name));
  co_return response;
}

}  // namespace loom::api
