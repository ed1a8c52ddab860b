#include "app/client_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "app/configuration.hpp"
#include "base/clock.hpp"

namespace loom::app {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using boost::beast::http::verb;

constexpr std::string_view kLocal = "http://127.0.0.1:8765";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

/// Where the server is, and who asks.
struct Address {
  std::string server{};
  std::string token{};
};

fs::path user_file() {
  if (const std::string home = variable("XDG_CONFIG_HOME"); !home.empty())
    return fs::path(home) / "blastloom/client.toml";
  const std::string home = variable("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".config/blastloom/client.toml";
}

Result<Address> address_in(const fs::path& file) {
  Address address;
  std::error_code failed;
  if (file.empty() || !fs::exists(file, failed)) return address;
  bool others_read = false;
  LOOM_TRY(const std::string text, read_settings_file(file, others_read));
  const auto entries = parse_settings(text);
  if (!entries) return entries.error().at(file.string());
  for (const FileEntry& entry : *entries) {
    if (entry.key != "server" && entry.key != "token")
      return error(Code::invalid_argument, "{}:{}: {}: there is no such key; 'server' and 'token' are",
                   file.string(), entry.line, entry.key);
    if (entry.key == "token" && others_read)
      return error(Code::invalid_argument,
                   "{0}:{1}: others may read the file, and a token is a secret; first: chmod 600 {0}",
                   file.string(), entry.line);
    (entry.key == "server" ? address.server : address.token) = entry.text;
  }
  return address;
}

Result<Address> address_of(const Arguments& arguments) {
  LOOM_TRY(const Address file, address_in(user_file()));
  Address address{.server = arguments.value("server"), .token = variable("BLASTLOOM_TOKEN")};
  for (const std::string& next : {variable("BLASTLOOM_SERVER"), file.server, std::string(kLocal)})
    if (address.server.empty()) address.server = next;
  const std::string_view home = file.server.empty() ? kLocal : std::string_view(file.server);
  if (address.token.empty() && address.server == home) address.token = file.token;
  return address;
}

/// Whether it may be otherwise in a while.
bool passes(const Result<http::Reply>& reply) {
  if (!reply) return reply.error().code == Code::unavailable || reply.error().code == Code::timed_out;
  return reply->status == 502 || reply->status == 504 ||
         (reply->status == 503 && !reply->header("Retry-After").empty());
}

}  // namespace

Error problem_of(const http::Reply& reply) {
  std::string words = fmt::format("the server answered with status {}", reply.status);
  boost::system::error_code failed;
  const json::value body = json::parse(reply.body, failed);
  if (!failed && body.is_object() && body.as_object().contains("detail"))
    words = std::string(body.at("detail").as_string());
  return Error{http::code_of_status(reply.status), words};
}

Result<Session> Session::open(const Arguments& arguments, std::chrono::seconds quiet) {
  LOOM_TRY(const Address address, address_of(arguments));
  LOOM_TRY(http::Client client, http::Client::connect(address.server, {.quiet_timeout = quiet}));
  Session session(std::move(client));
  if (!address.token.empty())
    session.headers_.emplace_back("Authorization", fmt::format("Bearer {}", address.token));
  session.json_ = arguments.has("json");
  return session;
}

Result<json::value> Session::parsed(const std::string& text) {
  boost::system::error_code failed;
  json::value value = json::parse(text.empty() ? "null" : text, failed);
  if (failed) return error(Code::corrupt, "the server's answer is no JSON");
  return value;
}

Result<std::string> Session::call(verb method, const std::string& target, const std::string& body) {
  http::Pairs headers = headers_;
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  LOOM_TRY(http::Reply reply, client_.send(method, target, headers, body));
  if (reply.status >= 400) return problem_of(reply);
  return std::move(reply.body);
}

Result<json::value> Session::ask(verb method, const std::string& target, const std::string& body) {
  LOOM_TRY(const std::string text, call(method, target, body));
  return parsed(text);
}

Result<json::value> Session::submit(const MakeForm& form, const std::string& key, bool repeatable) {
  constexpr unsigned kLongestRest = 8;  // seconds
  const Deadline patience = Deadline::in(kPatience);
  for (unsigned rest = 1;; rest = std::min(2 * rest, kLongestRest)) {
    LOOM_TRY(std::unique_ptr<QueryForm> body, form());
    http::Pairs headers = headers_;
    headers.emplace_back("Content-Type", body->content_type());
    headers.emplace_back("Idempotency-Key", key);
    const auto reply = client_.send(verb::post, "/api/blast/jobs", headers,
                                    std::unique_ptr<http::BodySource>(std::move(body)));
    if (reply && reply->status < 400) return parsed(reply->body);
    Error why = reply ? problem_of(*reply) : reply.error();
    if (!passes(reply)) return why;
    if (!repeatable || patience.passed()) {
      why.message += fmt::format(
          "; the server may have taken the job: with --idempotency-key {} the same submit does not make "
          "another",
          key);
      return why;
    }
    if (rest == 1) fmt::print(stderr, "blastloom: {}; trying again\n", why.message);
    ::sleep(rest);
  }
}

}  // namespace loom::app
