#pragma once
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/broadcaster.hpp"
#include "api/gate.hpp"
#include "api/list_cache.hpp"
#include "api/metrics.hpp"
#include "api/page.hpp"
#include "api/ready.hpp"
#include "api/refusal.hpp"
#include "api/stream_permits.hpp"
#include "async/blocking_pool.hpp"
#include "events/hub.hpp"
#include "http/message.hpp"
#include "http/server.hpp"
#include "sched/scheduler.hpp"
#include "service/access.hpp"
#include "service/database_works.hpp"
#include "service/job_service.hpp"
#include "service/organisms.hpp"

namespace loom::api {

/// What the routes work on. References are borrowed and outlive the Api. Callbacks may be empty unless said
/// otherwise; they come from any thread.
struct ApiDeps {
  service::JobService& jobs;
  service::Tokens& tokens;
  const sched::Scheduler& scheduler;
  events::Hub& hub;
  async::BlockingPool& blocking;
  bool loopback = true;                              ///< only this machine can reach the server
  std::string version;                               ///< of the program
  std::function<ReadyState()> ready;                 ///< may block; on the pool, or Api::watch()'s thread
  std::function<std::string()> beat;                 ///< JSON; may block; on the pool
  std::function<Result<store::JobCounts>()> counts;  ///< jobs by state; blocks; on the pool
  std::function<std::size_t()> connections;          ///< that are open
  std::function<void(const http::Request&, const Error&)>
      report;                                      ///< what is answered with 500 and above, for the log
  std::function<std::string()> system = {};        ///< JSON; must not block long; on the pool
  std::function<std::string()> more_metrics = {};  ///< in Prometheus' text format
  service::DatabaseWorks* works = nullptr;         ///< null: this server keeps no databases of its own
  std::span<const PageFile> page = {};             ///< the web page; empty: none
  service::Organisms* organisms = nullptr;         ///< null: this server knows no taxonomy
  StreamPermits::Limits streams = {};              ///< downloads at once, also of hits and sequences
  service::Limits limits = {};                     ///< of requests
  std::filesystem::path data = {};                 ///< the server's own folder, for /metrics; empty: none
  /// Set: this server only reads. The address of the one that takes changes; empty: it does not run. May
  /// block; on the pool.
  std::function<std::string()> who_changes = {};
  std::function<store::UnixTime()> wall = &store::wall_now;  ///< the time of day; never blocks
};

// Calls that may each wait long, for a store that hangs or for BLAST+, have a bound of their own. Together
// they are fewer than the threads that downloads leave.
constexpr std::size_t kMostLookups = 12;
constexpr std::size_t kMostIndexings = 6;
constexpr std::size_t kMostTexts = 6;
constexpr std::chrono::seconds kTextWait{40};
constexpr std::chrono::minutes kImportWait{30};

/// What all routes share. There is one: its padding costs nothing.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which they depend on each other.
struct Context {
  explicit Context(ApiDeps given)
      : deps(std::move(given)),
        gate(deps.tokens, deps.blocking, deps.loopback, deps.wall),
        broadcaster(deps.hub),
        streams(deps.streams),
        lookups({.most = kMostLookups, .what = "calls to the object store"}),
        indexings({.most = kMostIndexings, .what = "calls that wait for an index of hits"}),
        texts({.most = kMostTexts, .wait = kTextWait, .what = "writings of alignments"}),
        imports({.most = 1, .wait = kImportWait, .what = "imports"}) {}

  ApiDeps deps;
  Gate gate;
  std::vector<std::string> downloads;  ///< patterns of routes that links open; set before any runs
  ListCache lists;
  Broadcaster broadcaster;
  StreamPermits streams;
  StreamPermits lookups;    ///< calls that ask the object store
  StreamPermits indexings;  ///< calls that may wait for an index
  StreamPermits texts;      ///< alignments with their text
  StreamPermits imports;    ///< one is indexed at a time; the others wait without a thread
  Metrics metrics;

  /// Runs `call` on the pool with one of `permits` (a member). Errors: its own; unavailable.
  template <class Call>
  http::net::awaitable<std::invoke_result_t<Call&>> run(const StreamPermits& permits, Call call) {
    const auto permit = co_await permits.take();
    if (!permit) co_return permit.error();
    co_return co_await deps.blocking.run(std::move(call));
  }
  template <class Call>
  http::net::awaitable<std::invoke_result_t<Call&>> look_up(Call call) {
    return run(lookups, std::move(call));
  }
  /// JobService::hits: at once if the index is open; null also while too many others wait for theirs.
  http::net::awaitable<Result<std::shared_ptr<results::HitIndex>>> hits(service::Caller caller,
                                                                        store::JobId id);

  /// The problem; reports those that are the server's fault.
  http::Response fail(const http::Request& request, const Refusal& refusal) const;
  http::Response fail(const http::Request& request, const Error& error) const {
    return fail(request, Refusal{error});
  }
};

/// For a call of the service that looks at some rows, as most do.
inline Deadline lookup_deadline() {
  return Deadline::in(std::chrono::seconds(10));
}

/// A handler that wants to know who asks.
using CallerHandler = std::function<http::net::awaitable<http::Response>(http::Request&, service::Caller)>;
/// Asks the gate first; `context` is borrowed.
http::Handler with_caller(Context& context, CallerHandler handler);
/// The handler of a route that takes no parameters, which refuses any by name; `context` is borrowed.
CallerHandler without_parameters(const Context& context, CallerHandler handler);
/// A route of GET that sends what is to be kept as a file: a link of /api/blast/download-links opens
/// it too. Adds `pattern` to context.downloads; `context` is borrowed.
http::Route download_route(Context& context, std::string pattern, CallerHandler handler);

}  // namespace loom::api
