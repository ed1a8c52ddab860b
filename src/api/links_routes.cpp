#include "api/links_routes.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "api/body.hpp"
#include "api/replies.hpp"
#include "api/ticket.hpp"
#include "base/json_writer.hpp"
#include "base/time_text.hpp"
#include "http/url.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;

constexpr int kCreated = 201;
constexpr std::string_view kOfAJob = "/api/blast/jobs/{id}/";
constexpr std::size_t kIdPlace = 3;  // among the segments of such a path

/// {"path": …}
Parsed<std::string> parse_path(const std::string& body) {
  namespace json = boost::json;
  boost::system::error_code failed;
  const json::value value = json::parse(body, failed);
  if (failed || !value.is_object()) return wrong("", "the body must be a JSON object with the member path");
  for (const auto& [key, content] : value.get_object())
    if (key != "path" || !content.is_string())
      return wrong(std::string(key), "{}: known is path, which is a text", std::string(key));
  const auto* path = value.get_object().if_contains("path");
  if (path == nullptr) return wrong("path", "path is missing: which download the link shall open");
  return std::string(path->get_string());
}

/// Whether every client sends it as it is: what browsers would encode, or not send, would not be
/// what was signed.
bool is_sent_as_it_is(std::string_view path) {
  return std::ranges::all_of(path, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~!$&()*+,;=:@/?%").find(c) != std::string_view::npos;
  });
}

/// Whether a path is one of the pattern, whose {names} match one segment each, not empty.
bool matches(std::string_view pattern, const http::Segments& path) {
  const auto names = http::split_path(pattern);
  return names && std::ranges::equal(names->names, path.names, [](auto name, auto segment) {
           return name.starts_with('{') ? !segment.empty() : name == segment;
         });
}

Response link_reply(std::string_view href, std::optional<store::UnixTime> expires) {
  std::string body;
  JsonWriter json(body);
  json.open_object();
  json.member("href", href);
  if (expires) json.member("expires_at", time_text(*expires));
  json.close_object();
  return {kCreated, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::move(body)};
}

}  // namespace

void LinksRoutes::add_to(std::vector<http::Route>& routes) {
  // A path that no request could have needs no link.
  routes.push_back({verb::post, "/api/blast/download-links",
                    [this](Request& request) { return make(request); }, context_.deps.limits.header_bytes});
}

Parsed<std::optional<store::JobId>> LinksRoutes::job_of(std::string_view path) const {
  if (!path.starts_with("/api/blast/") || !is_sent_as_it_is(path))
    return wrong("path",
                 "path: write it as in a request, from /api/blast/ on and percent-encoded, without host and "
                 "fragment");
  const auto target = http::split_target(path);
  if (!target) return tl::unexpected(Refusal{target.error(), "path"});
  const auto query = http::parse_query(target->query);
  if (!query) return tl::unexpected(Refusal{query.error(), "path"});
  if (std::ranges::find(*query, kTicket, &http::Pairs::value_type::first) != query->end())
    return wrong("path", "path: it has a ticket already; leave it out");
  const auto segments = http::split_path(target->path);
  if (!segments) return tl::unexpected(Refusal{segments.error(), "path"});
  const auto found = std::ranges::find_if(
      context_.downloads, [&](const std::string& pattern) { return matches(pattern, *segments); });
  if (found == context_.downloads.end())
    return wrong("path", "path: {} is no download; these are: {}", target->path,
                 fmt::join(context_.downloads, ", "));
  if (!found->starts_with(kOfAJob)) return std::nullopt;
  return read_job_id(segments->names[kIdPlace]);
}

/// POST /api/blast/download-links, {"path": …} -> 201 | 400 | 401 | 403 | 404 | 413.
http::net::awaitable<Response> LinksRoutes::make(Request& request) {
  auto holder = co_await context_.gate.admit_holder(request);
  if (!holder) co_return std::move(holder.error());
  const auto body = co_await read_body(request, context_.deps.limits.header_bytes);
  if (!body) co_return context_.fail(request, body.error());
  const auto path = parse_path(*body);
  if (!path) co_return context_.fail(request, path.error());
  const auto job = job_of(*path);
  if (!job) co_return context_.fail(request, job.error());
  if (*job) {
    // Judged again when the link is used; who asks for the link learns it now.
    const auto look = [&, this] { return context_.deps.jobs.get(holder->caller, **job, lookup_deadline()); };
    const auto seen = co_await context_.deps.blocking.run(look);
    if (!seen) co_return context_.fail(request, seen.error());
  }
  if (!holder->token) co_return link_reply(*path, std::nullopt);
  const store::UnixTime expires = context_.deps.wall() + kLinkTime;
  co_return link_reply(with_ticket(*path, *holder->token, expires), expires);
}

}  // namespace loom::api
