#include "api/hits_routes.hpp"

#include <array>
#include <cstring>
#include <functional>

#include "api/hit_requests.hpp"
#include "api/job_json.hpp"
#include "api/replies.hpp"
#include "base/check.hpp"
#include "blast/program.hpp"
#include "results/hsp_export.hpp"
#include "results/page_json.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using results::PageRequest;
using service::Caller;

using Index = std::shared_ptr<results::HitIndex>;

constexpr std::chrono::seconds kReadTime{60};
constexpr std::size_t kTopSubjects = 10;

/// One page as JSON: asks by `ask`, writes by `write`.
template <class Ask, class Write>
Parsed<std::string> body_of(Ask ask, Write write) {
  const auto page = ask();
  if (!page) return tl::unexpected(refusal_of(page.error()));
  std::string body;
  JsonWriter json(body);
  write(json, *page);
  return body;
}

Parsed<std::string> queries_body(const Request& request, const Index& index, Deadline deadline) {
  const auto known = check_parameters(request, {"find", "query", "with_hits", "sort", "cursor", "limit"});
  if (!known) return tl::unexpected(known.error());
  const auto wanted = list_request(request);
  if (!wanted) return tl::unexpected(wanted.error());
  return body_of([&] { return index->queries(*wanted, deadline); },
                 [&](JsonWriter& json, const auto& page) { results::write_queries(json, *index, page); });
}

Parsed<std::string> hits_body(const Request& request, const Index& index, Deadline deadline) {
  const auto wanted = hit_request(request, {"select"});
  if (!wanted) return tl::unexpected(wanted.error());
  return body_of([&] { return index->hits(*wanted, deadline); },
                 [](JsonWriter& json, const auto& page) { results::write_hits(json, page); });
}

Parsed<std::string> hsps_body(const Request& request, const Index& index, Deadline deadline) {
  const auto wanted = hit_request(request);
  if (!wanted) return tl::unexpected(wanted.error());
  return body_of([&] { return index->hsps(*wanted, deadline); },
                 [](JsonWriter& json, const auto& page) { results::write_hsps(json, page); });
}

Parsed<std::string> subjects_body(const Request& request, const Index& index, Deadline deadline) {
  const auto known = check_parameters(request, {"find", "taxid", "clade", "sort", "cursor", "limit"});
  if (!known) return tl::unexpected(known.error());
  const auto wanted = list_request(request);
  if (!wanted) return tl::unexpected(wanted.error());
  return body_of([&] { return index->subjects(*wanted, deadline); },
                 [](JsonWriter& json, const auto& page) { results::write_subjects(json, page); });
}

Parsed<std::string> summary_body(const Request& request, const Index& index, Deadline deadline) {
  const auto known = check_parameters(request, {"query", "where", "words"});
  if (!known) return tl::unexpected(known.error());
  const auto wanted = hit_request(request);
  if (!wanted) return tl::unexpected(wanted.error());
  std::optional<results::QuerySummary> one;
  if (wanted->query) {
    const auto found = index->queries({.query = wanted->query}, deadline);
    if (!found) return tl::unexpected(refusal_of(found.error()));
    auto depth = index->depth(*wanted->query, deadline);
    if (!depth) return tl::unexpected(refusal_of(depth.error()));
    auto spread = results::distributions(*index, *wanted, deadline);
    if (!spread) return tl::unexpected(refusal_of(spread.error()));
    one = results::QuerySummary{found->rows.front(), *std::move(depth), *std::move(spread)};
  } else if (!wanted->filter.empty()) {
    return wrong(request.parameter("where") ? "where" : "words",
                 "a filter is for the distributions of one query; name it with query");
  }
  const PageRequest top{.sort = results::Sort::hits, .limit = kTopSubjects};
  return body_of([&] { return index->subjects(top, deadline); },
                 [&](JsonWriter& json, const auto& page) {
                   results::write_summary(json, *index, page, one ? &*one : nullptr);
                 });
}

/// What `next` gives, piece by piece.
class PiecesBody final : public http::BodySource {
 public:
  using Next = std::function<Result<std::string>()>;
  PiecesBody(std::string first, Next next) : next_(std::move(next)), ready_(std::move(first)) {}

  [[nodiscard]] std::optional<std::uint64_t> size() const override { return std::nullopt; }

  Result<std::size_t> read(std::span<char> into) override {
    if (at_ == ready_.size()) {
      LOOM_TRY(ready_, next_());
      at_ = 0;
    }
    const std::size_t count = std::min(into.size(), ready_.size() - at_);
    std::memcpy(into.data(), ready_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  Next next_;
  std::string ready_;
  std::size_t at_ = 0;
};

struct ExportType {
  std::string_view name;
  std::string_view content_type;
};
// By name of the format, which is the ending of the file too.
constexpr std::array kExportTypes{ExportType{"tsv", "text/tab-separated-values; charset=utf-8"},
                                  ExportType{"csv", "text/csv; charset=utf-8"},
                                  ExportType{"jsonl", "application/x-ndjson"},
                                  ExportType{"gff3", "text/x-gff3; charset=utf-8"},
                                  ExportType{"bed", "text/x-bed; charset=utf-8"},
                                  ExportType{"sam", "text/x-sam; charset=utf-8"},
                                  ExportType{"fasta", "text/x-fasta; charset=utf-8"}};

http::Pairs export_headers(const store::JobId& id, std::string_view format) {
  const auto* type = std::ranges::find(kExportTypes, format, &ExportType::name);
  LOOM_CHECK(type != kExportTypes.end(), "the format was read before");
  return {{"Content-Type", std::string(type->content_type)},
          {"Content-Disposition",
           fmt::format("attachment; filename=\"blast-{}-hits.{}\"", id.str().substr(0, 8), type->name)},
          {"X-Content-Type-Options", "nosniff"},
          {"Cache-Control", "private, no-cache"}};
}

bool has_nucleotide_subjects(const store::Job& job) {
  const auto program = blast::parse_program(job.request.program);
  return program && blast::database_kind(*program) == blast::DatabaseKind::nucleotide;
}

}  // namespace

void HitsRoutes::add_page(std::vector<http::Route>& routes, std::string_view name, Write write) {
  auto call = [this, write](Request& request, Caller caller) {
    return page(request, std::move(caller), write);
  };
  routes.push_back({verb::get, fmt::format("/api/blast/jobs/{{id}}/results/{}", name),
                    with_caller(context_, std::move(call))});
}

void HitsRoutes::add_to(std::vector<http::Route>& routes) {
  add_page(routes, "queries", &queries_body);
  add_page(routes, "hits", &hits_body);
  add_page(routes, "hsps", &hsps_body);
  add_page(routes, "subjects", &subjects_body);
  add_page(routes, "summary", &summary_body);
  auto call = [this](Request& request, Caller caller) { return save(request, std::move(caller)); };
  routes.push_back(download_route(context_, "/api/blast/jobs/{id}/results/export", std::move(call)));
}

/// GET …/results/queries and so on -> 200 | 202 (the index is being made: ask again) | 400 | 401 | 404 | 409.
HitsRoutes::Reply HitsRoutes::page(Request& request, Caller caller, Write write) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto index = co_await context_.hits(caller, *id);
  if (!index) co_return context_.fail(request, index.error());
  if (!*index) co_return indexing_reply();
  const auto ask = [&request, &index, write]() -> Result<Parsed<std::string>> {
    return write(request, *index, lookup_deadline());
  };
  auto body = co_await context_.deps.blocking.run(ask);
  if (!body) co_return context_.fail(request, body.error());
  if (!*body) co_return context_.fail(request, body->error());
  Response response = json_reply(200, **std::move(body));
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  co_return response;
}

/// GET …/results/export -> 200 | 202 | 400 | 401 | 404 | 409 | 503 (as many downloads run as may).
HitsRoutes::Reply HitsRoutes::save(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto wanted = export_request(request);
  if (!wanted) co_return context_.fail(request, wanted.error());
  const auto fasta = fasta_request(request);
  if (!fasta) co_return context_.fail(request, fasta.error());
  const auto index = co_await context_.hits(caller, *id);
  if (!index) co_return context_.fail(request, index.error());
  if (!*index) co_return indexing_reply();
  // Reading on takes a thread and, for sequences, blastdbcmd and a file on the disk, again and again.
  auto permit = co_await context_.streams.take();
  if (!permit) co_return context_.fail(request, permit.error());
  const auto make = [&, this]() -> Result<Parsed<std::unique_ptr<http::BodySource>>> {
    return *fasta ? fasta_body(caller, *id, *index, wanted->rows, **fasta)
                  : rows_body(caller, *id, *index, *wanted);
  };
  auto body = co_await context_.deps.blocking.run(make);
  if (!body) co_return context_.fail(request, body.error());
  if (!*body) co_return context_.fail(request, body->error());
  Response response{200, export_headers(*id, request.parameter("format").value_or("tsv")), std::string()};
  response.body = with_permit(**std::move(body), *std::move(permit));
  co_return response;
}

Parsed<std::unique_ptr<http::BodySource>> HitsRoutes::rows_body(const Caller& caller, const store::JobId& id,
                                                                const Index& index,
                                                                results::ExportRequest wanted) const {
  const auto job = context_.deps.jobs.get(caller, id, lookup_deadline());
  if (!job) return tl::unexpected(Refusal{job.error()});
  wanted.style.program = job->request.program;
  auto rows = results::HspExport::make(index, std::move(wanted));
  if (!rows) return tl::unexpected(refusal_of(rows.error()));
  auto next = [rows = std::shared_ptr(*std::move(rows))] { return rows->next(Deadline::in(kReadTime)); };
  return std::make_unique<PiecesBody>("", std::move(next));
}

Parsed<std::unique_ptr<http::BodySource>> HitsRoutes::fasta_body(const Caller& caller, const store::JobId& id,
                                                                 const Index& index,
                                                                 const results::RowsRequest& wanted,
                                                                 service::FastaWish wish) const {
  const auto job = context_.deps.jobs.get(caller, id, lookup_deadline());
  if (!job) return tl::unexpected(Refusal{job.error()});
  wish.strands = has_nucleotide_subjects(*job);
  auto rows = results::HspRows::make(index, wanted);
  if (!rows) return tl::unexpected(refusal_of(rows.error()));
  service::SubjectFasta::Fetch fetch = [&jobs = context_.deps.jobs, caller,
                                        id](const service::SequenceRequest& request) {
    return jobs.sequences(caller, id, request, Deadline::in(kReadTime));
  };
  const auto fasta = std::make_shared<service::SubjectFasta>(*std::move(rows), wish, std::move(fetch));
  // What cannot be had is said while there still is a status to say it.
  auto first = fasta->next(Deadline::in(kReadTime));
  if (!first) return tl::unexpected(Refusal{first.error()});
  auto next = [fasta] { return fasta->next(Deadline::in(kReadTime)); };
  return std::make_unique<PiecesBody>(*std::move(first), std::move(next));
}

}  // namespace loom::api
