#include "app/front.hpp"

#include <chrono>

#include "app/server_log.hpp"
#include "app/surroundings.hpp"
#include "app/version.hpp"

namespace loom::app {

namespace {

/// Beside those that downloads hold, which may wait long for the object store.
constexpr std::size_t kBlockingThreads = 32;
constexpr std::chrono::seconds kCountsWait{2};
constexpr std::chrono::seconds kStopGrace{2};

}  // namespace

Result<std::unique_ptr<Front>> Front::listen(const ServerOptions& options, FrontParts parts) {
  std::unique_ptr<Front> made(new Front(parts.scheduler, parts.jobs));
  Front* const front = made.get();
  front->blocking_ =
      std::make_unique<async::BlockingPool>(kBlockingThreads + static_cast<std::size_t>(options.streams));
  front->api_ = std::make_unique<api::Api>(
      api::ApiDeps{.jobs = parts.jobs,
                   .tokens = parts.tokens,
                   .scheduler = parts.scheduler,
                   .hub = parts.hub,
                   .blocking = *front->blocking_,
                   .loopback = is_loopback(options.host),
                   .version = std::string(kVersion),
                   .ready = std::move(parts.ready),
                   .beat = std::move(parts.beat),
                   .counts = [&store = parts.store] { return store.counts(Deadline::in(kCountsWait)); },
                   .connections = [front] { return front->server_ ? front->server_->connections() : 0; },
                   .report = log_failure,
                   .system = std::move(parts.system),
                   .more_metrics = std::move(parts.more_metrics),
                   .works = &parts.works,
                   .page = api::page_files(),
                   .organisms = &parts.organisms,
                   .streams = {.most = static_cast<std::size_t>(options.streams)},
                   .limits = options.limits,
                   .data = options.data,
                   .who_changes = std::move(parts.who_changes)});
  const http::ServerOptions wanted{
      .host = options.host, .port = options.port, .header_bytes = options.limits.header_bytes};
  LOOM_TRY(front->server_,
           http::Server::listen(wanted, front->api_->routes(), front->api_->fallback(), *front->blocking_));
  front->server_->on_exchange([front, count = std::move(parts.count)](const http::Exchange& exchange) {
    front->api_->count(exchange);
    if (count) count(exchange);
    log_exchange(exchange);
  });
  front->address_ = address_of(options.host, front->server_->port());
  return made;
}

void Front::run(const Signals& signals) {
  const std::stop_callback stopping(signals.stop(), [this] {
    server_->stop(kStopGrace);
    // What requests wait for ends too, and nothing more is begun.
    scheduler_.close();
    jobs_.stop();
  });
  // No longer: their owner takes what is asked apart next.
  const auto watching = api_->watch();
  const auto watching_tokens = api_->watch_tokens();
  server_->run();
}

}  // namespace loom::app
