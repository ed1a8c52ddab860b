#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "events/redis/connection.hpp"

namespace loom::events::redis {

enum class Row { requests, submits, tasks, beats };
inline constexpr std::array kRows{Row::requests, Row::submits, Row::tasks, Row::beats};
/// As the field is called in Redis.
std::string_view name(Row row);
using Counts = std::array<std::uint32_t, kRows.size()>;

struct CounterOptions {
  std::string key = "blastloom:counters";  ///< a hash, shared by all servers
  std::uint32_t most = 1000;               ///< that a row counts to between two sends, and between two drains
  Patience patience{std::chrono::milliseconds(50), std::chrono::milliseconds(50)};
  std::chrono::milliseconds send_every{200};  ///< at most
  std::chrono::seconds cooldown{5};           ///< rest after a failure
};

/// Small counts that all servers add to and one reads: best effort, never in the way. Thread-safe.
class Counters {
 public:
  explicit Counters(const Settings& settings, CounterOptions options = {},
                    const Clock& clock = steady_clock());
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  /// Closes the connection; what was not sent is lost.
  ~Counters();

  /// Never blocks, takes no lock and never fails; past `most` it counts no further until it was sent.
  void emit(Row row, std::uint32_t count = 1);

  /// What was counted since the last drain, each 0 to `most`, and sets it to 0 in one step. Zeros when Redis
  /// is not there. Blocking, at most for the patience.
  Counts drain();

  /// Closes the connection; the next use opens one.
  void reset();
  /// Whether it rests after a failure.
  [[nodiscard]] bool resting();

 private:
  void send_loop();
  void send();
  Result<std::vector<Value>> ask(const std::vector<Words>& commands) REQUIRES(mutex_);

  const Settings settings_;
  const CounterOptions options_;
  const Clock& clock_;
  std::array<std::atomic<std::uint32_t>, kRows.size()> pending_{};
  Mutex mutex_;  // held while Redis is asked; emit() does not take it
  std::unique_ptr<Connection> connection_ GUARDED_BY(mutex_);
  Instant rest_until_ GUARDED_BY(mutex_){};
  Mutex stop_mutex_;
  CondVar stop_changed_;
  bool stopping_ GUARDED_BY(stop_mutex_) = false;
  std::thread sender_;
};

}  // namespace loom::events::redis
