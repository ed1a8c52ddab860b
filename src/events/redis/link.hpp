#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "events/redis/connection.hpp"

namespace loom::events::redis {

/// How often an idle link asks whether Redis is still there.
inline constexpr std::chrono::seconds kPing{5};

/// How long to rest before connecting again: doubled with each failure in a row.
struct Rest {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds most{5000};
};

/// The state of a link, for a page that tells it.
struct Health {
  bool connected = false;      ///< and it works
  std::uint64_t connects = 0;  ///< times that it began to work
  std::string reason{};        ///< why it is not
};

/// Keeps a connection on a thread of its own, and connects again whenever it is lost. Thread-safe.
class Link {
 public:
  /// Works on a connection until it fails, or until stopping(); called on the link's thread, once for each
  /// connection. It says works() when what it is for can be done: to be connected is not enough where Redis
  /// is full.
  using Work = std::function<Status(Connection&, Link&)>;

  /// `name` stands in the log. Never fails: what is not there is tried again.
  Link(std::string name, Settings settings, Patience patience, Rest rest, Work work);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { stop(); }

  /// Interrupts the work and ends the thread. Idempotent.
  void stop();
  [[nodiscard]] bool stopping() const;
  /// For the work: it can be done.
  void works();
  [[nodiscard]] Health health() const;

 private:
  void loop();
  Status use(Connection& connection);
  void lost(const Error& error);
  void rest(std::chrono::milliseconds wait);

  const std::string name_;
  const Settings settings_;
  const Patience patience_;
  const Rest rest_;
  const Work work_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  Connection* current_ GUARDED_BY(mutex_) = nullptr;
  Health health_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace loom::events::redis
