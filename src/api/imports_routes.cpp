#include "api/imports_routes.hpp"

#include "api/body.hpp"
#include "api/job_json.hpp"
#include "api/replies.hpp"
#include "base/log.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;

constexpr int kCreated = 201;

}  // namespace

void ImportsRoutes::add_to(std::vector<http::Route>& routes) {
  auto call = [this](Request& request, Caller caller) { return take(request, std::move(caller)); };
  routes.push_back({verb::post, "/api/blast/imports", with_caller(context_, std::move(call)),
                    context_.deps.limits.upload_bytes});
}

/// POST /api/blast/imports?program=&outfmt=&title= -> 201 (Location) | 400 | 401 | 403 | 413 | 503 | 507.
http::net::awaitable<Response> ImportsRoutes::take(Request& request, Caller caller) {
  if (const auto known = check_parameters(request, {"program", "outfmt", "title"}); !known)
    co_return context_.fail(request, known.error());
  const auto text = [&request](std::string_view name) {
    return std::string(request.parameter(name).value_or(""));
  };
  const service::ImportRequest wanted{
      .program = text("program"), .outfmt = text("outfmt"), .title = text("title")};
  service::JobService& jobs = context_.deps.jobs;
  const auto begin = [&jobs, &caller] { return jobs.begin_upload(caller); };
  auto upload = co_await context_.deps.blocking.run(begin);
  if (!upload) co_return context_.fail(request, upload.error());
  std::string block(kBodyPiece, '\0');
  for (;;) {
    const auto came = co_await request.body->read_some(block);
    if (!came) co_return context_.fail(request, body_refused(came.error()).value());
    if (*came == 0) break;
    const std::string_view bytes(block.data(), *came);
    const auto keep = [&upload, bytes] { return (*upload)->write(bytes); };
    const Status kept = co_await context_.deps.blocking.run(keep);
    if (!kept) co_return context_.fail(request, kept.error());
  }
  const auto permit = co_await context_.imports.take();
  if (!permit) co_return context_.fail(request, permit.error());
  auto finish = [&jobs, &caller, &wanted, &upload] {
    return jobs.import_result(caller, wanted, *std::move(upload));
  };
  const auto job = co_await context_.deps.blocking.run(finish);
  if (!job) co_return context_.fail(request, job.error());
  log::write(log::Level::info, "job.imported",
             {{"request", request.id}, {"job", job->id.str()}, {"caller", caller.name}});
  std::string body;
  JsonWriter json(body);
  write_job(json, *job, jobs.outfmt_of(*job), std::nullopt);
  Response response = json_reply(kCreated, std::move(body));
  response.headers.emplace_back("Location", job_path(job->id));
  co_return response;
}

}  // namespace loom::api
