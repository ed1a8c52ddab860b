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
  LOOM_TRY(const redis::Settings settings, redis_settings(options));
  return std::unique_ptr<RedisPeers>(new RedisPeers(settings, parts));
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

std::vector<RedisLink> RedisPeers::links() const {
  std::vector<RedisLink> all{{"events", publisher_.health()}, {"changes", notices_.health()}};
  const bool resting = counters_.resting();
  all.push_back({kCounters, {.connected = !resting, .reason = resting ? "rests after a failure" : ""}});
  return all;
}

std::vector<std::string> RedisPeers::degraded() const {
  std::vector<std::string> clauses;
  for (const RedisLink& link : links())
    if (!link.health.connected && link.name != kCounters) clauses.push_back(clause_of(link));
  return clauses;
}

void RedisPeers::write(JsonWriter& json) const {
  write_links(json, links());
  json.key("counters");
  json.open_object();
  for (const redis::Row row : redis::kRows)
    json.member(name(row), counted_.at(static_cast<std::size_t>(row)).load());
  json.close_object();
}

std::string RedisPeers::metrics() const {
  std::string out = links_metrics(links());
  out +=
      "# HELP blastloom_all_servers_total What all servers counted while this one led.\n"
      "# TYPE blastloom_all_servers_total counter\n";
  for (const redis::Row row : redis::kRows)
    fmt::format_to(std::back_inserter(out), "blastloom_all_servers_total{{row=\"{}\"}} {}\n", name(row),
                   counted_.at(static_cast<std::size_t>(row)).load());
  return out;
}

}  // namespace loom::app
