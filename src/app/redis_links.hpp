#pragma once
#include <span>
#include <string>
#include <string_view>

#include "app/server_options.hpp"
#include "base/json_writer.hpp"
#include "base/result.hpp"
#include "events/redis/link.hpp"

namespace loom::app {

/// A connection to Redis, and what it is for.
struct RedisLink {
  std::string_view name;
  events::redis::Health health;
};

/// Of --redis, with its password. Errors: invalid_argument, naming --redis.
Result<events::redis::Settings> redis_settings(const ServerOptions& options);
/// "Redis (NAME): why it does not work".
std::string clause_of(const RedisLink& link);
/// Member "redis" of the report on the system.
void write_links(JsonWriter& json, std::span<const RedisLink> links);
/// In Prometheus' text format.
std::string links_metrics(std::span<const RedisLink> links);

}  // namespace loom::app
