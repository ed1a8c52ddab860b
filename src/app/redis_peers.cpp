#include "app/redis_peers.hpp"

#include <fmt/format.h>

#include <iterator>

namespace loom::app {

namespace {

namespace redis = events::redis;

constexpr std::string_view kCounters = "counters";  // rest after a failure of the others
constexpr const char* kAccount = "local";           // of all databases that a server shows

redis::Changed changed_of(const std::string& database, const std::string& id) {
  if (database.empty()) return {};
  return {.account = kAccount, .database = database, .snapshot = id};
}

}  // namespace

Result<std::unique_ptr<RedisPeers>> RedisPeers::start(const ServerOptions& options, const Parts& parts) {
  if (options.redis.empty()) return std::unique_ptr<RedisPeers>();
  auto settings = redis::parse_url(options.redis);
  if (!settings) return settings.error().at("--redis");
  settings->password = options.redis_password;
  return std::unique_ptr<RedisPeers>(new RedisPeers(*settings, parts));
}

RedisPeers::RedisPeers(const redis::Settings& settings, const Parts& parts)
    : details_(parts.details),
      publisher_(parts.store, parts.hub, settings, {}),
      notices_(settings, {},
               [this](const redis::Changed& changed) {
                 // What cannot be found any more need not be forgotten.
                 static_cast<void>(details_.forget_here(changed.database, changed.snapshot));
               }),
      counters_(settings) {
  details_.tell_with([this](const std::string& database, const std::string& id) {
    notices_.tell(changed_of(database, id));
  });
}

RedisPeers::~RedisPeers() {
  details_.tell_with({});
}

sched::Periodic RedisPeers::drain() {
  return {.name = "counters", .every = std::chrono::seconds(10), .run = [this]() -> Result<std::uint64_t> {
            const redis::Counts counts = counters_.drain();
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < counts.size(); ++i) {
              counted_.at(i) += counts.at(i);
              sum += counts.at(i);
            }
            return sum;
          }};
}

std::vector<RedisPeers::Link> RedisPeers::links() const {
  std::vector<Link> all{{"events", publisher_.health()}, {"changes", notices_.health()}};
  const bool resting = counters_.resting();
  all.push_back({kCounters, {.connected = !resting, .reason = resting ? "rests after a failure" : ""}});
  return all;
}

std::vector<std::string> RedisPeers::degraded() const {
  std::vector<std::string> clauses;
  for (const Link& link : links()) {
    if (link.health.connected || link.name == kCounters) continue;
    const std::string& why = link.health.reason;
    clauses.push_back(fmt::format("Redis ({}): {}", link.name, why.empty() ? "not reached yet" : why));
  }
  return clauses;
}

void RedisPeers::write(JsonWriter& json) const {
  json.key("redis");
  json.open_array();
  for (const Link& link : links()) {
    json.open_object();
    json.member("name", link.name);
    json.member("works", link.health.connected);
    json.member("connects", link.health.connects);
    json.member("reason", link.health.reason);
    json.close_object();
  }
  json.close_array();
  json.key("counters");
  json.open_object();
  for (const redis::Row row : redis::kRows)
    json.member(name(row), counted_.at(static_cast<std::size_t>(row)).load());
  json.close_object();
}

std::string RedisPeers::metrics() const {
  std::string out =
      "# HELP blastloom_redis_works Whether a connection to Redis works.\n"
      "# TYPE blastloom_redis_works gauge\n";
  const auto into = std::back_inserter(out);
  for (const Link& link : links())
    fmt::format_to(into, "blastloom_redis_works{{link=\"{}\"}} {}\n", link.name,
                   link.health.connected ? 1 : 0);
  out +=
      "# HELP blastloom_all_servers_total What all servers counted while this one led.\n"
      "# TYPE blastloom_all_servers_total counter\n";
  for (const redis::Row row : redis::kRows)
    fmt::format_to(into, "blastloom_all_servers_total{{row=\"{}\"}} {}\n", name(row),
                   counted_.at(static_cast<std::size_t>(row)).load());
  return out;
}

}  // namespace loom::app
