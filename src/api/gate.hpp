#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>

#include "api/ticket.hpp"
#include "async/blocking_pool.hpp"
#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "http/message.hpp"
#include "service/access.hpp"
#include "store/job.hpp"

namespace loom::api {

/// Finds out who asks. With tokens, or when others than this machine can reach the server, a request needs
/// "Authorization: Bearer SECRET", or Basic with the secret as password. Without tokens it is the admin
/// "local": then the Host must be this machine, and no proxy may have passed the request on. A browser sends
/// Basic by itself, and to "local" nothing is needed, so there a page of another site must not act in his
/// name: an Origin must be that Host, and Sec-Fetch-Site must not be cross-site (401 and 403 else). Tokens
/// are looked up in a copy that is at most kStale old (a request that finds it older than kFresh renews it),
/// so that most requests wait for no disk. A download may come with a link's ticket instead (api/ticket.hpp).
/// Thread-safe; never blocks.
class Gate {
 public:
  static constexpr std::chrono::seconds kFresh{1};
  static constexpr std::chrono::seconds kStale{5};

  using Admission = tl::expected<service::Caller, http::Response>;
  struct Holder {
    service::Caller caller;
    std::optional<service::Token> token;  ///< nullopt: none is asked for
  };

  /// References are borrowed. `wall` is the time of day, for links.
  Gate(service::Tokens& tokens, async::BlockingPool& blocking, bool loopback,
       std::function<store::UnixTime()> wall, const Clock& clock = steady_clock())
      : tokens_(tokens), blocking_(blocking), loopback_(loopback), wall_(std::move(wall)), clock_(clock) {}

  /// When nothing must be read for it; else nullopt, and the caller calls admit().
  std::optional<Admission> admit_now(const http::Request& request);
  /// Reads the tokens anew for it.
  http::net::awaitable<Admission> admit(const http::Request& request);
  /// Who asks, with the token that lets him in.
  http::net::awaitable<tl::expected<Holder, http::Response>> admit_holder(const http::Request& request);
  /// Who asks for a download: its ticket is judged, if it has one, in place of the header. Takes the
  /// ticket out of the request, so that nobody else sees it.
  http::net::awaitable<Admission> admit_download(http::Request& request);

 private:
  struct Known {
    std::unordered_map<std::string, service::Token> by_hash;
    Instant at{};
  };
  using KnownPtr = std::shared_ptr<const Known>;

  KnownPtr known() const EXCLUDES(mutex_);
  KnownPtr fresh();
  http::net::awaitable<Result<KnownPtr>> current();
  http::net::awaitable<Result<KnownPtr>> renew();
  [[nodiscard]] bool asks_for_none(const Known& known) const { return known.by_hash.empty() && loopback_; }
  /// The token that lets the request in; null: none is asked for.
  [[nodiscard]] tl::expected<const service::Token*, http::Response> find(const http::Request& request,
                                                                         const Known& known) const;
  [[nodiscard]] Admission judge(const http::Request& request, const Known& known) const;
  [[nodiscard]] Admission judge_ticket(const http::Request& request, const std::optional<Ticket>& ticket,
                                       const Known& known) const;

  service::Tokens& tokens_;
  async::BlockingPool& blocking_;
  const bool loopback_;
  const std::function<store::UnixTime()> wall_;
  const Clock& clock_;
  mutable Mutex mutex_;
  KnownPtr known_ GUARDED_BY(mutex_);
  std::atomic<Instant::rep> renewed_at_{0};  ///< when the last renewal began
};

/// Whether `host`, as in a Host header, is this machine: localhost, 127.0.0.1 or [::1], with or without port.
bool is_this_machine(std::string_view host);
/// Why a request needs a login, though the server has no tokens; or empty.
std::string_view login_reason(const http::Request& request);
/// Why a request is taken for that of another site's page, or empty.
std::string_view cross_site_reason(const http::Request& request);

}  // namespace loom::api
