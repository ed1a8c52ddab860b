#include "api/refusal.hpp"

#include "base/json_writer.hpp"
#include "http/problem.hpp"

namespace loom::api {
namespace {

bool is_inside(Code code) {
  return code == Code::internal || code == Code::corrupt || code == Code::out_of_memory ||
         code == Code::disk_full;
}

std::string_view detail_of(const Error& error) {
  switch (error.code) {
    case Code::out_of_memory:
      return "the server has too little memory for this now; try again when fewer searches run";
    case Code::disk_full:  // whose words name the server's folders
      return "the server's disk is full; delete jobs that are not needed, or tell its operator";
    case Code::internal:
    case Code::corrupt:
      return "the server failed on this request and has logged why; tell its operator the request_id";
    default:
      return error.message;
  }
}

std::string_view retry_after(Code code) {
  switch (code) {
    case Code::too_many:
      return "5";
    case Code::timed_out:
    case Code::unavailable:
    case Code::cancelled:
    case Code::out_of_memory:
      return "2";
    default:
      return {};
  }
}

http::Response write_problem(const http::Request& request, int status, std::string_view code,
                             std::string_view detail, std::string_view field) {
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("type", "about:blank");
  json.member("title", http::reason(status));
  json.member("status", status);
  json.member("code", code);
  json.member("detail", detail);
  if (!field.empty()) json.member("field", field);
  json.member("request_id", request.id);
  json.close_object();
  return {
      status, {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}}, std::move(body)};
}

}  // namespace

int status_of(Code code) {
  switch (code) {
    case Code::invalid_argument:
      return 400;
    case Code::forbidden:
      return 403;
    case Code::not_found:
      return 404;
    case Code::conflict:
      return 409;
    case Code::too_large:
      return 413;
    case Code::too_many:
      return 429;
    case Code::corrupt:
    case Code::internal:
      return 500;
    case Code::cancelled:
    case Code::unavailable:
    case Code::out_of_memory:
      return 503;
    case Code::timed_out:
      return 504;
    case Code::disk_full:
      return 507;
  }
  return 500;
}

http::Response problem(const http::Request& request, const Refusal& refusal) {
  const Code code = refusal.error.code;
  // A defect and damaged data look alike from outside.
  const std::string_view shown = code == Code::corrupt ? name(Code::internal) : name(code);
  const std::string_view field = is_inside(code) ? std::string_view() : refusal.field;
  const int status = refusal.status != 0 ? refusal.status : status_of(code);
  http::Response response = write_problem(request, status, shown, detail_of(refusal.error), field);
  if (const auto wait = retry_after(code); !wait.empty()) response.headers.emplace_back("Retry-After", wait);
  return response;
}

http::Response unauthorized(const http::Request& request, std::string_view detail) {
  http::Response response = write_problem(request, 401, "unauthorized", detail, {});
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"blastloom\"");
  // Programs written for NCBI's interface know Basic alone. Elsewhere a browser would ask for a password.
  if (request.path == "/Blast.cgi")
    response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"blastloom\"");
  return response;
}

}  // namespace loom::api
