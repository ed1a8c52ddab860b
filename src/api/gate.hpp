#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>

#include "async/blocking_pool.hpp"
#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "http/message.hpp"
#include "service/access.hpp"

namespace loom::api {

/// Finds out who asks. With tokens, or when others than this machine can reach the server, a request needs
/// "Authorization: Bearer SECRET". Without, it is the admin "local"; then a page of another site must not act
/// in his name through his browser: the Host must be this machine, an Origin must be that Host, and
/// Sec-Fetch-Site must not be cross-site (401 and 403 else). Tokens are looked up in a copy that is at most
/// kStale old (a request that finds it older than kFresh renews it), so that most requests wait for no disk.
/// Thread-safe; never blocks.
class Gate {
 public:
  static constexpr std::chrono::seconds kFresh{1};
  static constexpr std::chrono::seconds kStale{5};

  using Admission = tl::expected<service::Caller, http::Response>;

  /// References are borrowed.
  Gate(service::Tokens& tokens, async::BlockingPool& blocking, bool loopback,
       const Clock& clock = steady_clock())
      : tokens_(tokens), blocking_(blocking), loopback_(loopback), clock_(clock) {}

  http::net::awaitable<Admission> admit(http::Request& request);
  /// As admit(), when nothing must be read for that.
  std::optional<Admission> admit_now(const http::Request& request);

 private:
  struct Known {
    std::unordered_map<std::string, service::Caller> by_hash;
    Instant at{};
  };
  using KnownPtr = std::shared_ptr<const Known>;

  KnownPtr known() const EXCLUDES(mutex_);
  http::net::awaitable<Result<KnownPtr>> renew();
  [[nodiscard]] Admission judge(const http::Request& request, const Known& known) const;

  service::Tokens& tokens_;
  async::BlockingPool& blocking_;
  const bool loopback_;
  const Clock& clock_;
  mutable Mutex mutex_;
  KnownPtr known_ GUARDED_BY(mutex_);
  std::atomic<Instant::rep> renewed_at_{0};  ///< when the last renewal began
};

/// Whether `host`, as in a Host header, is this machine: localhost, 127.0.0.1 or [::1], with or without port.
bool is_this_machine(std::string_view host);
/// Why a request without login is refused as another site's, or empty.
std::string_view cross_site_reason(const http::Request& request);

}  // namespace loom::api
