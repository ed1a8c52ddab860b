#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "app/redis_links.hpp"
#include "app/server_options.hpp"
#include "base/result.hpp"
#include "events/redis/notices.hpp"
#include "events/redis/redis_hub.hpp"
#include "service/database_details.hpp"

namespace loom::app {

/// What a server that only reads hears over Redis: that job events are there, and what of databases' metadata
/// is no longer so. What happened is read from the store, so nothing is lost with Redis but time.
/// Thread-safe.
class RedisEars {
 public:
  /// Null when no Redis is named; it need not be there. `details` is borrowed. `happened` is called on a
  /// thread of its own and must not block. Errors: invalid_argument, naming --redis.
  static Result<std::unique_ptr<RedisEars>> start(const ServerOptions& options,
                                                  std::function<void()> happened,
                                                  service::DatabaseDetails& details);

  /// Never blocks.
  [[nodiscard]] std::vector<RedisLink> links() const;

 private:
  RedisEars(const events::redis::Settings& settings, std::function<void()> happened,
            service::DatabaseDetails& details);

  events::redis::RedisHub hub_;
  events::redis::Notices notices_;
  std::shared_ptr<void> hears_;  // goes before the hub
};

}  // namespace loom::app
