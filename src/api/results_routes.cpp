#include "api/results_routes.hpp"

#include <algorithm>
#include <map>

#include "api/job_json.hpp"
#include "api/range.hpp"
#include "api/replies.hpp"
#include "api/result_bodies.hpp"
#include "base/sha256.hpp"
#include "service/provenance.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;
using service::ResultFile;

// Below what proxies and clients wait for a first byte.
constexpr std::chrono::seconds kRenderTime{25};
constexpr std::size_t kMostQueries = 1000;

void write_file(JsonWriter& json, const store::JobId& id, const ResultFile& file) {
  json.open_object();
  json.member("name", file.name);
  json.member("kind", file.kind);
  if (!file.outfmt.empty()) json.member("outfmt", file.outfmt);
  json.member("size_bytes", file.size_bytes);
  service::write_sum(json, file);
  json.member("href", fmt::format("{}/results/files/{}", job_path(id), file.name));
  json.close_object();
}

using Texts = std::map<std::string, std::string>;

/// By the names of their files. Of an imported result there is no program that makes it again.
Texts provenance_texts(const service::Provenance& provenance, const std::string& version) {
  using service::ProvenanceFormat;
  Texts texts;
  for (const auto& [name, format] : {std::pair{"methods.txt", ProvenanceFormat::methods},
                                     {"provenance.json", ProvenanceFormat::json},
                                     {"references.bib", ProvenanceFormat::bibtex},
                                     {"search.sh", ProvenanceFormat::sh}})
    if (auto text = service::provenance_text(provenance, format, version); text)
      texts.emplace(name, *std::move(text));
  return texts;
}

http::Pairs file_headers(const store::JobId& id, const ResultFile& file, const std::string& etag) {
  const FileType type = type_of(file);
  const std::string name = download_name(id, file.name) + std::string(type.ending);
  return {{"Content-Type", std::string(type.content_type)},
          {"Content-Disposition", fmt::format("attachment; filename=\"{}\"", name)},
          {"X-Content-Type-Options", "nosniff"},
          {"Cache-Control", "private, no-cache"},
          {"Accept-Ranges", "bytes"},
          {"ETag", etag}};
}

}  // namespace

FileType type_of(const ResultFile& file) {
  constexpr FileType kText{"text/plain; charset=utf-8", ".txt"};
  if (file.outfmt.empty()) return {kText.content_type, ""};
  const std::string number = file.outfmt.substr(0, file.outfmt.find_first_not_of("0123456789"));
  if (number == "5" || number == "14" || number == "16") return {"application/xml", ".xml"};
  if (number == "12" || number == "13" || number == "15") return {"application/json", ".json"};
  if (number == "9") return {"application/octet-stream", ".asnb"};
  if (number == "6") return {kText.content_type, ".tsv"};
  if (number == "8" || number == "11") return {kText.content_type, ".asn"};
  if (number == "10") return {kText.content_type, ".csv"};
  if (number == "17") return {kText.content_type, ".sam"};
  return kText;
}

std::string download_name(const store::JobId& id, std::string_view name) {
  std::string safe = fmt::format("blast-{}-{}", id.str().substr(0, 8), name.substr(0, 100));
  const auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  std::ranges::replace_if(safe, [&](char c) { return !harmless(c); }, '_');
  return safe;
}

void ResultsRoutes::add_to(std::vector<http::Route>& routes) {
  const std::string results = "/api/blast/jobs/{id}/results";
  auto show = [this](Request& request, Caller caller) { return list(request, std::move(caller)); };
  routes.push_back(
      {verb::get, results, with_caller(context_, without_parameters(context_, std::move(show)))});
  const auto call_of = [this](auto handler) {
    return [this, handler](Request& request, Caller caller) {
      return (this->*handler)(request, std::move(caller));
    };
  };
  const auto add = [&](std::string_view rest, CallerHandler call) {
    routes.push_back(download_route(context_, fmt::format("{}{}", results, rest), std::move(call)));
  };
  add("/output", call_of(&ResultsRoutes::output));
  add("/files/{name}", without_parameters(context_, call_of(&ResultsRoutes::file)));
  add("/archive.zip", without_parameters(context_, call_of(&ResultsRoutes::archive)));
}

/// GET …/results -> 200 | 401 | 404.
ResultsRoutes::Reply ResultsRoutes::list(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto call = [this, &caller, &id] {
    return context_.deps.jobs.results(caller, *id, lookup_deadline());
  };
  const auto files = co_await context_.look_up(call);
  if (!files) co_return context_.fail(request, files.error());
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("job", id->str());
  json.key("files");
  json.open_array();
  for (const ResultFile& file : *files) write_file(json, *id, file);
  json.close_array();
  json.key("links");
  json.open_object();
  json.member("output", job_path(*id) + "/results/output");
  json.member("archive", job_path(*id) + "/results/archive.zip");
  json.close_object();
  json.close_object();
  co_return json_reply(200, std::move(body));
}

/// GET …/results/output?outfmt&query -> 200 | 202 (being made: ask again) | 206 | 304 | 400 | 401 | 404 | 409
/// | 416.
ResultsRoutes::Reply ResultsRoutes::output(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const auto known = check_parameters(request, {"outfmt", "query"});
  if (!known) co_return context_.fail(request, known.error());
  const auto queries = id_list(request, "query", kMostQueries);
  if (!queries) co_return context_.fail(request, queries.error());
  const service::OutputRequest wanted{.outfmt = std::string(request.parameter("outfmt").value_or("")),
                                      .queries = {queries->begin(), queries->end()}};
  const auto call = [this, &caller, &id, &wanted] {
    return context_.deps.jobs.output(caller, *id, wanted, Deadline::in(kRenderTime));
  };
  const auto rendered = co_await context_.look_up(call);
  if (!rendered) {
    const Error& why = rendered.error();
    const char* field = why.message.starts_with("there is no query") ? "query" : "outfmt";
    co_return context_.fail(request, Refusal{why, why.code == Code::invalid_argument ? field : ""});
  }
  if (!rendered->file) {
    Response response = json_reply(202, R"({"status":"rendering"})");
    response.headers.emplace_back("Retry-After", "2");
    co_return response;
  }
  co_return co_await send(request, std::move(caller), *id, *rendered->file);
}

/// GET …/results/files/{name} -> 200 | 206 | 304 | 401 | 404 | 416.
ResultsRoutes::Reply ResultsRoutes::file(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  const std::string& name = request.captures.at(1);
  const auto call = [this, &caller, &id, &name] {
    return context_.deps.jobs.file(caller, *id, name, lookup_deadline());
  };
  auto file = co_await context_.look_up(call);
  if (!file) co_return context_.fail(request, file.error());
  co_return co_await send(request, std::move(caller), *id, *std::move(file));
}

ResultsRoutes::Reply ResultsRoutes::send(Request& request, Caller caller, store::JobId id, ResultFile file) {
  // Of a large object the sum comes late.
  const std::string etag = fmt::format("\"{}\"", file.object ? file.object->version : file.sha256);
  Response response{200, file_headers(id, file, etag), std::string()};
  if (is_known(request, etag)) {
    response.status = 304;
    co_return response;
  }
  ByteRange range = range_of(request, etag, file.size_bytes);
  if (range.kind == ByteRange::Kind::unsatisfiable) {
    const Error outside =
        error(Code::invalid_argument, "the range lies outside the file's {} bytes", file.size_bytes);
    response = problem(request, Refusal{.error = outside, .field = "Range", .status = 416});
    response.headers.emplace_back("Content-Range", fmt::format("bytes */{}", file.size_bytes));
    co_return response;
  }
  if (range.kind == ByteRange::Kind::whole) {
    range.count = file.size_bytes;
  } else {
    response.status = 206;
    response.headers.emplace_back(
        "Content-Range",
        fmt::format("bytes {}-{}/{}", range.first, range.first + range.count - 1, file.size_bytes));
  }
  auto permit = co_await context_.streams.take();
  if (!permit) co_return context_.fail(request, permit.error());
  const auto open = [this, &caller, &id, &file] {
    return context_.deps.jobs.open(caller, id, file, lookup_deadline());
  };
  auto reader = co_await context_.deps.blocking.run(open);
  if (!reader) co_return context_.fail(request, reader.error());
  response.body = with_permit(object_body(*std::move(reader), range.first, range.count), *std::move(permit));
  co_return response;
}

/// GET …/results/archive.zip -> 200 | 401 | 404.
ResultsRoutes::Reply ResultsRoutes::archive(Request& request, Caller caller) {
  const auto id = job_id_of(request);
  if (!id) co_return context_.fail(request, id.error());
  service::JobService& jobs = context_.deps.jobs;
  const auto call = [this, &caller, &id, &jobs]() -> Result<std::pair<std::vector<ResultFile>, Texts>> {
    LOOM_TRY(std::vector<ResultFile> files, jobs.results(caller, *id, lookup_deadline()));
    LOOM_TRY(const service::Provenance provenance, jobs.provenance(caller, *id, lookup_deadline()));
    Texts texts = provenance_texts(provenance, context_.deps.version);
    for (const auto& [name, text] : texts)
      files.push_back({.name = name,
                       .kind = "provenance",
                       .outfmt = {},
                       .size_bytes = text.size(),
                       .sha256 = sha256_hex(text)});
    return std::pair{std::move(files), std::move(texts)};
  };
  auto found = co_await context_.look_up(call);
  if (!found) co_return context_.fail(request, found.error());
  auto permit = co_await context_.streams.take();
  if (!permit) co_return context_.fail(request, permit.error());
  const std::string folder = "blast-" + id->str().substr(0, 8);
  auto open = [&jobs, caller, id = *id, texts = std::move(found->second)](
                  const ResultFile& file) -> Result<std::unique_ptr<storage::ObjectReader>> {
    if (const auto text = texts.find(file.name); text != texts.end())
      return storage::text_reader(text->second);
    return jobs.open(caller, id, file, lookup_deadline());
  };
  co_return Response{
      200,
      {{"Content-Type", "application/zip"},
       {"Content-Disposition", fmt::format("attachment; filename=\"{}.zip\"", folder)},
       {"Cache-Control", "private, no-cache"}},
      with_permit(zip_body(folder, std::move(found->first), std::move(open)), *std::move(permit))};
}

}  // namespace loom::api
