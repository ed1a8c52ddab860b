#include "app/redis_links.hpp"

#include <fmt/format.h>

#include <iterator>

namespace loom::app {

Result<events::redis::Settings> redis_settings(const ServerOptions& options) {
  auto settings = events::redis::parse_url(options.redis);
  if (!settings) return settings.error().at("--redis");
  settings->password = options.redis_password;
  return settings;
}

std::string clause_of(const RedisLink& link) {
  const std::string& why = link.health.reason;
  return fmt::format("Redis ({}): {}", link.name, why.empty() ? "not reached yet" : why);
}

void write_links(JsonWriter& json, std::span<const RedisLink> links) {
  json.key("redis");
  json.open_array();
  for (const RedisLink& link : links) {
    json.open_object();
    json.member("name", link.name);
    json.member("works", link.health.connected);
    json.member("connects", link.health.connects);
    json.member("reason", link.health.reason);
    json.close_object();
  }
  json.close_array();
}

std::string links_metrics(std::span<const RedisLink> links) {
  std::string out =
      "# HELP blastloom_redis_works Whether a connection to Redis works.\n"
      "# TYPE blastloom_redis_works gauge\n";
  for (const RedisLink& link : links)
    fmt::format_to(std::back_inserter(out), "blastloom_redis_works{{link=\"{}\"}} {}\n", link.name,
                   link.health.connected ? 1 : 0);
  return out;
}

}  // namespace loom::app
