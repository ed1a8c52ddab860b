#pragma once
#include <memory>
#include <vector>

#include "api/context.hpp"
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

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace loom::api
