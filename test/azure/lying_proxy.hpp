#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "base/mutex.hpp"

namespace loom::azure_test {

/// A request as the proxy saw it.
struct Seen {
  int number = 0;  ///< from 0
  std::string method;
  std::string target;
  std::size_t body_bytes = 0;
  [[nodiscard]] bool is(std::string_view a_method, std::string_view part) const {
    return method == a_method && target.find(part) != std::string::npos;
  }
};

/// What becomes of one exchange; by default the truth.
struct Lie {
  std::string instead{};                   ///< a whole reply in place of the server's, which is not asked
  bool lose_reply = false;                 ///< the server does it, and the client hears nothing
  bool flip = false;                       ///< one byte of the body is another
  std::optional<std::size_t> cut_after{};  ///< so many bytes of the body, then the end
  std::string header{}, value{};           ///< the reply's header of this name (lower case) gets this value
  std::chrono::milliseconds drip{0};       ///< between bytes of the body
};

inline std::string service_unavailable(std::string_view more = "") {
  return "HTTP/1.1 503 Server Busy\r\nx-ms-error-code: ServerBusy\r\n" + std::string(more) +
         "Content-Length: 0\r\nConnection: close\r\n\r\n";
}

/// Stands between a client and Azurite, one request per connection, and lies as it is told.
class LyingProxy {
 public:
  using Script = std::function<Lie(const Seen&)>;
  LyingProxy(int server_port, Script script);
  LyingProxy(const LyingProxy&) = delete;
  LyingProxy& operator=(const LyingProxy&) = delete;
  ~LyingProxy();

  [[nodiscard]] int port() const { return port_; }
  /// From now on.
  void set_script(Script script);
  std::vector<Seen> seen();
  void forget();

 private:
  void accept_all();
  void serve(const Fd& client);

  int server_port_;
  int port_ = 0;
  Fd listening_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  Script script_ GUARDED_BY(mutex_);
  std::vector<Seen> seen_ GUARDED_BY(mutex_);
  std::list<std::thread> serving_;  // of the accepting thread, then of the destructor
  std::thread accepting_;
};

}  // namespace loom::azure_test
