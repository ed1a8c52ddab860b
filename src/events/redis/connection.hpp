#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct redisContext;
struct redisReply;

namespace loom::events::redis {

/// Where a Redis is. `password` is secret.
struct Settings {
  std::string host{};
  std::uint16_t port = 6379;
  std::string socket{};  ///< path of a Unix socket; then there is no host
  unsigned database = 0;
  std::string password{};
};

/// "redis://HOST[:PORT][/DATABASE]" or "unix:/PATH". Errors: invalid_argument, also for a URL with a user or
/// a password, which it does not show.
Result<Settings> parse_url(std::string_view url);

/// How long a connection waits; each at least 1 ms.
struct Patience {
  std::chrono::milliseconds connect{1000};
  std::chrono::milliseconds reply{2000};  ///< between bytes; more than a blocking command blocks
};

/// What Redis answers.
struct Value {
  enum class Kind { nothing, text, number, list, error };
  Kind kind = Kind::nothing;
  std::string text{};  ///< of a text, status or error
  std::int64_t number = 0;
  std::vector<Value> items{};
};

using Words = std::vector<std::string>;

/// One connection. One thread at a time, but for interrupt(). Blocking, at most for the patience. Errors
/// common to all: unavailable; after one the connection is of no use.
class Connection {
 public:
  /// Signs in and chooses the database. Also: forbidden. No error names the password.
  static Result<std::unique_ptr<Connection>> open(const Settings& settings, Patience patience);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// The answer to one command. Also: what refused() makes of an error.
  Result<Value> run(const Words& words);
  /// The answers to several, sent at once; an error is a Value too.
  Result<std::vector<Value>> run_all(const std::vector<Words>& commands);

  /// Sends a command whose answer receive() brings.
  Status send(const Words& words);
  /// The next message of a subscription, or answer to send(); Kind::nothing when none came within `wait`.
  Result<Value> receive(std::chrono::milliseconds wait);

  /// Ends what it waits for, from another thread; the connection is of no use then.
  void interrupt();

 private:
  explicit Connection(redisContext* context) : context_(context) {}
  Status append(const Words& words);
  [[nodiscard]] Error broken() const;
  redisContext* context_;
};

/// An error reply in our words: forbidden for a wrong password or missing right; unavailable for what passes
/// (loading, out of memory, read-only); internal else.
Error refused(const Value& reply);

}  // namespace loom::events::redis
