#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace loom::api {

/// Bounds how much of a kind runs at once. Downloads: each holds a reader, a block of memory and, on a
/// far store, a connection; one of sequences a thread while blastdbcmd runs, and a file until it is
/// sent. Calls that may wait long: each holds a thread. Thread-safe.
class StreamPermits {
 public:
  struct Limits {
    std::size_t most = 64;
    std::chrono::milliseconds wait{5000};  ///< for one of them to end
    std::chrono::milliseconds look{50};    ///< between looks whether one has
    std::string_view what = "downloads";   ///< for the error
  };
  explicit StreamPermits(Limits limits) : state_(std::make_shared<State>(limits)) {}

  /// A permit, once there is one; given back when it is destroyed, at the latest when the connection ends.
  /// Errors: unavailable, after the wait.
  [[nodiscard]] http::net::awaitable<Result<std::shared_ptr<void>>> take() const;

  [[nodiscard]] std::size_t in_use() const { return state_->in_use.load(); }

 private:
  struct State {
    explicit State(Limits given) : limits(given) {}
    const Limits limits;
    std::atomic<std::size_t> in_use{0};
  };
  static std::shared_ptr<void> try_take(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // permits may outlive this
};

/// `body` that holds its permit as long as it lives.
std::unique_ptr<http::BodySource> with_permit(std::unique_ptr<http::BodySource> body,
                                              std::shared_ptr<void> permit);

}  // namespace loom::api
