#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "app/redis_links.hpp"
#include "app/server_options.hpp"
#include "base/json_writer.hpp"
#include "events/hub.hpp"
#include "events/redis/counters.hpp"
#include "events/redis/notices.hpp"
#include "events/redis/publisher.hpp"
#include "sched/beat.hpp"
#include "service/database_details.hpp"
#include "store/job_store.hpp"

namespace loom::app {

/// What a server does with Redis: job events out, changes
/// of what is shown of databases both ways, and counters that all servers add to. Nobody ever waits for
/// Redis. Thread-safe.
class RedisPeers {
 public:
  struct Parts {
    store::JobStore& store;
    events::Hub& hub;
    service::DatabaseDetails& details;
  };

  /// Null when no Redis is named; it need not be there. Parts are borrowed. Errors: invalid_argument, naming
  /// --redis.
  static Result<std::unique_ptr<RedisPeers>> start(const ServerOptions& options, const Parts& parts);
  ~RedisPeers();
  RedisPeers(const RedisPeers&) = delete;
  RedisPeers& operator=(const RedisPeers&) = delete;

  /// Never blocks.
  void count(events::redis::Row row, std::uint32_t count = 1) { counters_.emit(row, count); }
  /// Takes what all servers counted; for the beat.
  sched::Periodic drain();

  /// A clause for each connection that does not work, but for the counters'.
  [[nodiscard]] std::vector<std::string> degraded() const;
  /// Members "redis" and "counters" of the report on the system.
  void write(JsonWriter& json) const;
  /// In Prometheus' text format.
  [[nodiscard]] std::string metrics() const;

 private:
  RedisPeers(const events::redis::Settings& settings, const Parts& parts);
  [[nodiscard]] std::vector<RedisLink> links() const;

  service::DatabaseDetails& details_;
  std::array<std::atomic<std::uint64_t>, events::redis::kRows.size()> counted_{};  // by all, as drained here
  events::redis::Publisher publisher_;
  events::redis::Notices notices_;
  mutable events::redis::Counters counters_;
};

}  // namespace loom::app
