#include "app/server_log.hpp"

#include "base/log.hpp"

namespace loom::app {

namespace {

log::Level level_of(const http::Exchange& exchange) {
  constexpr int kServerError = 500;
  if (exchange.status >= kServerError || !exchange.failure.empty()) return log::Level::error;
  constexpr int kRefused = 400;
  using boost::beast::http::verb;
  const bool reads = exchange.request.method == verb::get || exchange.request.method == verb::head;
  return exchange.status >= kRefused && !reads ? log::Level::info : log::Level::debug;
}

log::Level level_of(const store::Event& event) {
  switch (event.kind) {
    case store::EventKind::moved:
      return event.state == store::JobState::failed ? log::Level::warning : log::Level::info;
    case store::EventKind::task_released:
    case store::EventKind::task_failed:
      return log::Level::warning;
    default:
      return log::Level::debug;
  }
}

}  // namespace

void log_exchange(const http::Exchange& exchange) {
  const log::Level level = level_of(exchange);
  if (!log::enabled(level)) return;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(exchange.took).count();
  log::write(level, "http.request",
             {{"request", exchange.request.id},
              {"method", std::string(boost::beast::http::to_string(exchange.request.method))},
              {"path", exchange.request.path},
              {"status", exchange.status},
              {"ms", took},
              {"bytes", exchange.sent_bytes},
              {"failure", exchange.failure}});
}

void log_failure(const http::Request& request, const Error& error) {
  log::write(log::Level::error, "http.failed",
             {{"request", request.id}, {"path", request.path}, {"reason", error.message}});
}

void log_events(const std::vector<store::Event>& events) {
  for (const store::Event& event : events) {
    const log::Level level = level_of(event);
    if (!log::enabled(level)) continue;
    log::write(level, std::string("job.").append(store::name(event.kind)),
               {{"job", event.job.str()},
                {"owner", event.owner},
                {"state", store::name(event.state)},
                {"task", event.task ? std::to_string(*event.task) : std::string()},
                {"done", event.tasks_done},
                {"of", event.tasks_total},
                {"kind", event.failure.kind},
                {"reason", event.failure.sentence}});
  }
}

}  // namespace loom::app
