#pragma once
#include <chrono>
#include <memory>
#include <vector>

#include "api/context.hpp"
#include "api/watch.hpp"
#include "http/server.hpp"

namespace loom::api {

/// The REST interface (doc/openapi.yaml): routes over the service, for an http::Server. Must outlive the
/// server. Thread-safe.
class Api {
 public:
  explicit Api(ApiDeps deps);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// They refer to this object.
  [[nodiscard]] std::vector<http::Route> routes();
  /// The web page, else 404 as a problem. It refers to this object.
  [[nodiscard]] http::Handler fallback();
  /// For http::Server::on_exchange: counts it for /metrics.
  void count(const http::Exchange& exchange);
  /// While it lives, the event streams of all jobs tell how the server is (ApiDeps::ready), within `period`
  /// of a change or of their beginning. Null without ApiDeps::ready. It must not outlive this object, nor
  /// what that callback uses.
  [[nodiscard]] std::unique_ptr<Watch> watch(std::chrono::milliseconds period = std::chrono::seconds(2));
  /// While it lives, an event stream ends about `period` after its token was removed, or got another name or
  /// role (api/removed_tokens.hpp). It must not outlive this object.
  [[nodiscard]] std::unique_ptr<Watch> watch_tokens(
      std::chrono::milliseconds period = std::chrono::seconds(1));

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace loom::api
