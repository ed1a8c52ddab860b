#pragma once
#include <functional>
#include <memory>
#include <string>

#include "api/api.hpp"
#include "app/server_options.hpp"
#include "app/signals.hpp"
#include "base/result.hpp"
#include "http/server.hpp"
#include "store/job_store.hpp"

namespace loom::app {

/// What a server's API stands on. All of it outlives the front.
struct FrontParts {
  service::JobService& jobs;
  service::Tokens& tokens;
  sched::Scheduler& scheduler;
  events::Hub& hub;
  store::JobStore& store;
  service::DatabaseWorks& works;
  service::Organisms& organisms;
  std::function<api::ReadyState()> ready;  ///< as in api::ApiDeps, and so on
  std::function<std::string()> beat;
  std::function<std::string()> system;
  std::function<std::string()> more_metrics;
  std::function<std::string()> who_changes = {};          ///< set: the server only reads
  std::function<void(const http::Exchange&)> count = {};  ///< told of every answered request
};

/// The API, the page and the log of requests at the address that the options name.
class Front {
 public:
  /// Errors: those of http::Server::listen.
  static Result<std::unique_ptr<Front>> listen(const ServerOptions& options, FrontParts parts);

  /// Where it listens: "http://HOST:PORT".
  [[nodiscard]] const std::string& address() const { return address_; }
  /// Answers, tells who listens how the server is and ends the streams of removed tokens, until a signal;
  /// requests that run then have two seconds.
  void run(const Signals& signals);

 private:
  Front(sched::Scheduler& scheduler, service::JobService& jobs) : scheduler_(scheduler), jobs_(jobs) {}

  std::string address_;
  sched::Scheduler& scheduler_;
  service::JobService& jobs_;
  std::unique_ptr<async::BlockingPool> blocking_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace loom::app
