#include "api/ncbi_routes.hpp"

#include <boost/beast/core/string.hpp>
#include <cmath>

#include "api/body.hpp"
#include "api/job_json.hpp"
#include "api/multipart.hpp"
#include "api/ncbi_request.hpp"
#include "api/reading.hpp"
#include "api/submission.hpp"
#include "api/until_final.hpp"
#include "base/log.hpp"
#include "http/url.hpp"
#include "results/any_hits.hpp"
#include "sched/job_spec.hpp"

namespace loom::api {
namespace {

using boost::beast::iequals;
using boost::beast::http::verb;
using http::Pairs;
using http::Request;
using http::Response;
using service::Caller;
using store::JobState;

constexpr std::chrono::seconds kRenderTime{25};
// Clients of NCBI look once a minute; a search that ends meanwhile is answered at once.
constexpr std::chrono::seconds kPatience{20};
constexpr int kDefaultWait = 5;  // seconds, of a job whose time nobody knows

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

Response page(std::string_view title, std::string_view body) {
  return {
      200,
      {{"Content-Type", "text/html; charset=utf-8"},
       {"Content-Security-Policy", "default-src 'none'"},
       {"X-Content-Type-Options", "nosniff"},
       {"Cache-Control", "no-store"}},
      fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>{}</title></head>\n<body>\n{}</body>\n"
                  "</html>\n",
                  title, body)};
}

// Programs look for the lines between these two marks.
std::string info_block(std::string_view lines) {
  return fmt::format("<!--QBlastInfoBegin\n{}QBlastInfoEnd\n-->\n", lines);
}

Response status_page(std::string_view status, std::string_view more_lines, std::string_view text) {
  const std::string lines = fmt::format("    Status={}\n{}", status, more_lines);
  return page(fmt::format("BLAST search: {}", status), info_block(lines) + std::string(text));
}

std::string_view status_of(JobState state) {
  switch (state) {
    case JobState::completed:
      return "READY";
    case JobState::failed:
    case JobState::cancelled:
      return "FAILED";
    default:
      return "WAITING";
  }
}

// What a browser is shown of a search that is done.
std::string links(const store::JobId& id) {
  std::string list;
  for (const auto& [type, text] : {std::pair{"Text", "Text"},
                                   {"Tabular", "Table"},
                                   {"CSV", "CSV"},
                                   {"XML", "XML"},
                                   {"XML2_S", "XML, second version"},
                                   {"JSON2_S", "JSON"},
                                   {"ASN.1", "ASN.1"}})
    list += fmt::format("<li><a href=\"Blast.cgi?CMD=Get&amp;RID={}&amp;FORMAT_TYPE={}\">{}</a></li>\n",
                        id.str(), type, text);
  return fmt::format(
      "<h1>BLAST search {}</h1>\n<p><a href=\"job?id={}\">The results as a page</a></p>\n<ul>\n{}</ul>\n",
      id.str(), id.str(), list);
}

struct Answer {
  bool yes;
  explicit operator bool() const { return yes; }
};

/// By the job's own output where that can be looked into, else by its index.
Result<Answer> there_are_hits(service::JobService& jobs, const Caller& caller, const store::Job& job) {
  LOOM_TRY(const blast::Program program, blast::parse_program(job.request.program));
  LOOM_TRY(const blast::OutFormat format, blast::parse_outfmt(program, jobs.outfmt_of(job)));
  LOOM_TRY(const service::Rendered own, jobs.output(caller, job.id, {}, lookup_deadline()));
  if (own.file) {
    LOOM_TRY(const auto reader, jobs.open(caller, job.id, *own.file, lookup_deadline()));
    const results::ReadBytes read = [&reader](std::span<char> into) {
      return reader->read(std::as_writable_bytes(into), Deadline::in(kRenderTime));
    };
    LOOM_TRY(const std::optional<bool> shown, results::shows_hits(format, read));
    if (shown) return Answer{*shown};
  }
  LOOM_TRY(const auto index, jobs.hits(caller, job.id, Deadline::in(kRenderTime)));
  return Answer{!index || index->counts().hsps > 0};
}

class FieldSink final : public PartSink {
 public:
  Pairs fields;
  Status begin_part(PartHead head) override {
    fields.emplace_back(std::move(head.name), "");
    return ok();
  }
  Status part_data(std::string_view bytes) override {
    fields.back().second += bytes;
    return ok();
  }
  Status end_part() override { return ok(); }
};

Result<Pairs> fields_of(std::string_view content_type, std::string_view form) {
  LOOM_TRY(const std::string boundary, MultipartParser::boundary_of(content_type));
  FieldSink sink;
  MultipartParser parser(boundary, sink);
  LOOM_CHECKED(parser.feed(form));
  LOOM_CHECKED(parser.finish());
  return std::move(sink.fields);
}

http::net::awaitable<Parsed<Pairs>> read_parameters(Request& request, Limit limit) {
  Pairs parameters = request.query;
  const auto body = co_await read_body(request, limit);
  if (!body) co_return tl::unexpected(body.error());
  auto form = has_type(request, kFormType) ? fields_of(request.header("Content-Type"), *body)
                                           : http::parse_query(*body);
  if (!form) co_return tl::unexpected(Refusal{form.error()});
  parameters.insert(parameters.end(), std::make_move_iterator(form->begin()),
                    std::make_move_iterator(form->end()));
  co_return parameters;
}

Parsed<store::JobId> rid_of(const Pairs& parameters) {
  const std::string text = ncbi_value(parameters, "RID");
  if (text.empty()) return wrong("RID", "RID is missing: CMD=Put gives one");
  auto id = store::JobId::parse(text);
  if (!id)
    return tl::unexpected(
        Refusal{error(Code::not_found, "there is no search {}", text.substr(0, 80)), "RID"});
  return *std::move(id);
}

}  // namespace

void NcbiRoutes::add_to(std::vector<http::Route>& routes) {
  for (const verb method : {verb::get, verb::post}) {
    auto call = [this](Request& request, Caller caller) { return answer(request, std::move(caller)); };
    routes.push_back(
        {method, "/Blast.cgi", with_caller(context_, std::move(call)), context_.deps.limits.body_bytes});
  }
}

Response NcbiRoutes::refuse(const Request& request, const Refusal& refusal) const {
  switch (refusal.error.code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::conflict:
    case Code::too_large:
      return page("BLAST: not accepted",
                  fmt::format("<p class=\"error\">Error: {}</p>\n", html_text(refusal.error.message)));
    default:
      return context_.fail(request, refusal);
  }
}

/// GET or POST /Blast.cgi -> 200 | 401 | 403 | 413 | 429 | 503.
NcbiRoutes::Reply NcbiRoutes::answer(Request& request, Caller caller) {
  auto parameters = co_await read_parameters(request, context_.deps.limits.body_bytes);
  if (!parameters) co_return context_.fail(request, parameters.error());
  const std::string command = ncbi_value(*parameters, "CMD");
  const bool changes = iequals(command, "Put") || iequals(command, "Delete");
  if (changes && context_.deps.who_changes) co_return co_await refuse_change(context_, request);
  if (iequals(command, "Put")) co_return co_await put(request, std::move(caller), *std::move(parameters));
  if (iequals(command, "Get")) co_return co_await get(request, std::move(caller), *std::move(parameters));
  if (iequals(command, "Delete"))
    co_return co_await remove(request, std::move(caller), *std::move(parameters));
  co_return refuse(request, {error(Code::invalid_argument, "CMD must be Put, Get or Delete, not '{}'",
                                   command.substr(0, 80)),
                             "CMD"});
}

NcbiRoutes::Reply NcbiRoutes::put(Request& request, Caller caller, Pairs parameters) {
  const auto call = [&]() -> Result<Parsed<store::Submitted>> {
    auto search = parse_ncbi_put(parameters);
    if (!search) return Parsed<store::Submitted>(tl::unexpected(search.error()));
    LOOM_TRY(auto upload, context_.deps.jobs.begin_upload(caller));
    LOOM_CHECKED(upload->write(search->query));
    LOOM_TRY(auto submitted, context_.deps.jobs.submit(caller, search->request, std::move(upload),
                                                       std::nullopt, Deadline::in(kSubmitTime)));
    return Parsed<store::Submitted>(std::move(submitted));
  };
  const auto ran = co_await context_.deps.blocking.run(call);
  if (!ran) co_return refuse(request, {ran.error()});
  if (!*ran) co_return refuse(request, ran->error());
  const store::JobId& id = (*ran)->job.id;
  log::write(log::Level::info, "job.accepted",
             {{"request", request.id}, {"job", id.str()}, {"caller", caller.name}, {"api", "ncbi"}});
  const auto eta = context_.deps.scheduler.standing(id).eta_seconds;
  const int wait = eta ? std::max(1, static_cast<int>(std::ceil(std::min(*eta, 1e6)))) : kDefaultWait;
  const std::string lines = fmt::format("    RID = {}\n    RTOE = {}\n", id.str(), wait);
  co_return page(
      "BLAST search submitted",
      info_block(lines) + fmt::format("<p>Request ID <a href=\"Blast.cgi?CMD=Get&amp;RID={}\">{}</a></p>\n",
                                      id.str(), id.str()));
}

NcbiRoutes::Reply NcbiRoutes::get(Request& request, Caller caller, Pairs parameters) {
  const auto id = rid_of(parameters);
  if (!id && id.error().error.code != Code::not_found) co_return refuse(request, id.error());
  const bool asks_status = iequals(ncbi_value(parameters, "FORMAT_OBJECT"), "SearchInfo");
  // Programs that ask for results until they come would ask for ever; an HTTP error they do take for the end.
  const auto no_results = [&](int error, std::string_view status, std::string_view why) {
    Response response = status_page(status, "", fmt::format("<p>{}</p>\n", html_text(why)));
    if (!asks_status) response.status = error;
    return response;
  };
  const auto job = id ? co_await until_final(context_, caller, *id, asks_status ? Duration(0) : kPatience)
                      : Result<store::Job>(id.error().error);
  if (!job && job.error().code == Code::not_found) co_return no_results(404, "UNKNOWN", job.error().message);
  if (!job) co_return refuse(request, {job.error()});
  const std::string_view status = status_of(job->state);
  if (job->state == JobState::cancelled) co_return no_results(409, status, "The search was cancelled.");
  if (job->state == JobState::failed) co_return no_results(409, status, job->failure.sentence);
  if (job->state != JobState::completed) co_return status_page(status, "", "");
  const auto spec = sched::parse_job_spec(job->request.program, job->request.options);
  if (!spec) co_return refuse(request, {spec.error()});
  const auto outfmt = asks_status ? Parsed<std::string>("") : ncbi_get_outfmt(parameters, spec->options);
  if (!outfmt) co_return refuse(request, outfmt.error());
  if (outfmt->empty()) {
    const auto look = [&] { return there_are_hits(context_.deps.jobs, caller, *job); };
    const auto any = co_await context_.look_up(look);
    if (!any) co_return refuse(request, {any.error()});
    const std::string line = fmt::format("    ThereAreHits={}\n", *any ? "yes" : "no");
    co_return status_page(status, line, asks_status ? "" : links(*id));
  }
  co_return co_await output(request, std::move(caller), *id, *outfmt);
}

NcbiRoutes::Reply NcbiRoutes::output(Request& request, Caller caller, store::JobId id, std::string outfmt) {
  const service::OutputRequest wanted{.outfmt = std::move(outfmt)};
  const auto call = [this, &caller, &id, &wanted] {
    return context_.deps.jobs.output(caller, id, wanted, Deadline::in(kRenderTime));
  };
  const auto rendered = co_await context_.look_up(call);
  if (!rendered) co_return refuse(request, {rendered.error()});
  if (!rendered->file)
    co_return status_page("WAITING", "", "<p>The results are being written in this format.</p>\n");
  co_return co_await results_.send(request, std::move(caller), std::move(id), *rendered->file);
}

NcbiRoutes::Reply NcbiRoutes::remove(Request& request, Caller caller, Pairs parameters) {
  const auto id = rid_of(parameters);
  if (!id) co_return refuse(request, id.error());
  const auto call = [this, &caller, &id]() -> Status {
    LOOM_TRY(const store::Job job, context_.deps.jobs.get(caller, *id, lookup_deadline()));
    if (!store::is_final(job.state)) {
      LOOM_CHECKED(context_.deps.jobs.cancel(caller, *id, lookup_deadline()));
    }
    return context_.deps.jobs.remove(caller, *id, lookup_deadline());
  };
  const Status removed = co_await context_.deps.blocking.run(call);
  if (!removed) co_return refuse(request, {removed.error()});
  co_return page("BLAST search removed", "<p>The search and its results are removed.</p>\n");
}

}  // namespace loom::api
