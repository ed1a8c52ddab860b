#include "app/redis_ears.hpp"

namespace loom::app {

namespace redis = events::redis;

Result<std::unique_ptr<RedisEars>> RedisEars::start(const ServerOptions& options,
                                                    std::function<void()> happened,
                                                    service::DatabaseDetails& details) {
  if (options.redis.empty()) return std::unique_ptr<RedisEars>();
  LOOM_TRY(const redis::Settings settings, redis_settings(options));
  return std::unique_ptr<RedisEars>(new RedisEars(settings, std::move(happened), details));
}

RedisEars::RedisEars(const redis::Settings& settings, std::function<void()> happened,
                     service::DatabaseDetails& details)
    : hub_(settings, {}), notices_(settings, {}, [&details](const redis::Changed& changed) {
        // What cannot be found any more need not be forgotten.
        static_cast<void>(details.forget_here(changed.database, changed.snapshot));
      }) {
  hub_.listen([happened = std::move(happened)](const std::vector<store::Event>& /*events*/) { happened(); },
              hears_);
}

std::vector<RedisLink> RedisEars::links() const {
  return {{"events", hub_.health()}, {"changes", notices_.health()}};
}

}  // namespace loom::app
