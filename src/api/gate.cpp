#include "api/gate.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "api/refusal.hpp"
#include "base/base64.hpp"
#include "base/sha256.hpp"

namespace loom::api {
namespace {

using boost::beast::iequals;

// What stands behind "SCHEME " in an Authorization field, or empty.
std::string_view behind_scheme(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || !iequals(header.substr(0, scheme.size()), scheme)) return {};
  header.remove_prefix(std::min(header.find_first_not_of(' ', scheme.size()), header.size()));
  return header;
}

struct Secret {
  std::string text;
  bool basic = false;  ///< which a browser sends by itself, whoever made the page
};

// "Bearer SECRET", or "Basic" with the secret as password of any user (RFC 7617); empty without.
Secret secret_of(const http::Request& request) {
  const std::string_view header = request.header("Authorization");
  if (const auto bearer = behind_scheme(header, "Bearer "); !bearer.empty()) return {std::string(bearer)};
  const auto pair = from_base64(behind_scheme(header, "Basic "));
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return {};
  return {pair->substr(colon + 1), true};
}

std::size_t count_of(const http::Request& request, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count_if(
      request.headers, [&](const auto& header) { return iequals(header.first, name); }));
}

// `token` is null where none is asked for.
service::Caller caller_of(const service::Token* token) {
  if (token == nullptr) return {"local", service::Role::admin};
  return {token->name, token->role};
}

}  // namespace

bool is_this_machine(std::string_view host) {
  for (const std::string_view name : {"localhost", "127.0.0.1", "[::1]"}) {
    if (host.size() < name.size() || !iequals(host.substr(0, name.size()), name)) continue;
    std::string_view port = host.substr(name.size());
    if (port.empty()) return true;
    if (port.front() != ':') return false;
    port.remove_prefix(1);
    return port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  }
  return false;
}

std::string_view login_reason(const http::Request& request) {
  if (count_of(request, "Host") != 1 || !is_this_machine(request.header("Host")))
    return "without login the server answers only to localhost, 127.0.0.1 and [::1] as Host; create a token "
           "to "
           "use other names";
  for (const char* name : {"X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"})
    if (!request.header(name).empty())
      return "a proxy passed this on, so it may come from another machine; create a token for those who use "
             "it";
  return cross_site_reason(request);
}

std::string_view cross_site_reason(const http::Request& request) {
  // "same-site" is another port or subdomain: not this server's page either.
  const std::string_view site = request.header("Sec-Fetch-Site");
  if (!site.empty() && !iequals(site, "same-origin") && !iequals(site, "none"))
    return "a page of another site asked for this; open the server's own page, or send a token as Bearer";
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return {};
  const auto scheme = origin.find("://");
  const bool same =
      scheme != std::string_view::npos && iequals(origin.substr(scheme + 3), request.header("Host"));
  if (same) return {};
  return "the request's Origin is not this server; open the server's own page, or send a token as Bearer";
}

Gate::KnownPtr Gate::known() const {
  const MutexLock lock(mutex_);
  return known_;
}

// Null: they must be read anew.
Gate::KnownPtr Gate::fresh() {
  KnownPtr known = this->known();
  if (!known) return nullptr;
  const Instant now = clock_.now();
  const auto age = now - known->at;
  if (age > kStale) return nullptr;
  if (age > kFresh) {
    // One request a second renews; the others go on.
    auto last = renewed_at_.load(std::memory_order_relaxed);
    const Instant::rep mine = now.time_since_epoch().count();
    const bool due = now - Instant(Duration(last)) > kFresh;
    if (due && renewed_at_.compare_exchange_strong(last, mine, std::memory_order_relaxed)) return nullptr;
  }
  return known;
}

http::net::awaitable<Result<Gate::KnownPtr>> Gate::current() {
  if (auto known = fresh()) co_return known;
  co_return co_await renew();
}

std::optional<Gate::Admission> Gate::admit_now(const http::Request& request) {
  const KnownPtr known = fresh();
  if (!known) return std::nullopt;
  return judge(request, *known);
}

http::net::awaitable<Gate::Admission> Gate::admit(const http::Request& request) {
  const auto known = co_await renew();
  if (!known) co_return tl::unexpected(problem(request, {known.error()}));
  co_return judge(request, **known);
}

http::net::awaitable<tl::expected<Gate::Holder, http::Response>> Gate::admit_holder(
    const http::Request& request) {
  const auto known = co_await current();
  if (!known) co_return tl::unexpected(problem(request, {known.error()}));
  auto found = find(request, **known);
  if (!found) co_return tl::unexpected(std::move(found.error()));
  Holder holder{caller_of(*found), std::nullopt};
  if (*found != nullptr) holder.token = **found;
  co_return holder;
}

http::net::awaitable<Gate::Admission> Gate::admit_download(http::Request& request) {
  if (!request.parameter(kTicket)) {
    if (auto admission = admit_now(request)) co_return *std::move(admission);
    co_return co_await admit(request);
  }
  const std::string sent = request.target;
  const auto ticket = find_ticket(sent);
  if (ticket) request.target = ticket->target;
  std::erase_if(request.query, [](const auto& parameter) { return parameter.first == kTicket; });
  const auto known = co_await current();
  if (!known) co_return tl::unexpected(problem(request, {known.error()}));
  if (asks_for_none(**known)) co_return judge(request, **known);
  co_return judge_ticket(request, ticket, **known);
}

http::net::awaitable<Result<Gate::KnownPtr>> Gate::renew() {
  const Instant now = clock_.now();
  const auto read = [this] { return tokens_.list(); };
  const auto tokens = co_await blocking_.run(read);
  if (!tokens) co_return tokens.error();
  auto known = std::make_shared<Known>();
  for (const service::Token& token : *tokens) known->by_hash.emplace(token.sha256, token);
  known->at = now;
  KnownPtr result = std::move(known);
  const MutexLock lock(mutex_);
  if (!known_ || known_->at <= result->at) known_ = result;
  co_return result;
}

tl::expected<const service::Token*, http::Response> Gate::find(const http::Request& request,
                                                               const Known& known) const {
  if (asks_for_none(known)) {
    if (const auto reason = login_reason(request); !reason.empty())
      return tl::unexpected(problem(request, {error(Code::forbidden, "{}", reason)}));
    return nullptr;
  }
  const Secret secret = secret_of(request);
  if (secret.text.empty())
    return tl::unexpected(unauthorized(request,
                                       "this server asks for a token: send 'Authorization: Bearer SECRET'; "
                                       "'blastloom token create' makes one"));
  const auto found = known.by_hash.find(sha256_hex(secret.text));
  if (found == known.by_hash.end())
    return tl::unexpected(
        unauthorized(request, "the token is not known here, or was removed; ask the operator for another"));
  if (const auto reason = secret.basic ? cross_site_reason(request) : ""; !reason.empty())
    return tl::unexpected(problem(request, {error(Code::forbidden, "{}", reason)}));
  return &found->second;
}

Gate::Admission Gate::judge(const http::Request& request, const Known& known) const {
  auto found = find(request, known);
  if (!found) return tl::unexpected(std::move(found.error()));
  return caller_of(*found);
}

Gate::Admission Gate::judge_ticket(const http::Request& request, const std::optional<Ticket>& ticket,
                                   const Known& known) const {
  const auto made = [&ticket](const auto& one) { return ticket && is_made_with(*ticket, one.second); };
  const auto found = std::ranges::find_if(known.by_hash, made);
  if (found == known.by_hash.end())
    return tl::unexpected(unauthorized(request,
                                       "the link is not as this server gave it, or its token was removed; "
                                       "POST /api/blast/download-links makes another"));
  if (!holds(*ticket, wall_()))
    return tl::unexpected(unauthorized(
        request, fmt::format("the link has expired: it holds for {} s; POST /api/blast/download-links makes "
                             "another",
                             kLinkTime.count())));
  return caller_of(&found->second);
}

}  // namespace loom::api
