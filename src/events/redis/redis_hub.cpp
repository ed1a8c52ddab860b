#include "events/redis/redis_hub.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "events/redis/event_fields.hpp"

namespace loom::events::redis {
namespace {

constexpr const char* kMostEntries = "1000";

}  // namespace

RedisHub::RedisHub(const Settings& settings, StreamOptions options) : options_(std::move(options)) {
  link_ =
      std::make_unique<Link>("hub", settings, options_.patience, options_.rest,
                             [this](Connection& connection, Link& link) { return work(connection, link); });
}

std::uint64_t RedisHub::listen(Listener listener, std::shared_ptr<void>& handle) {
  return listeners_.add(std::move(listener), handle);
}

Status RedisHub::begin(Connection& connection) {
  LOOM_TRY(const Value newest, connection.run({"XREVRANGE", options_.stream, "+", "-", "COUNT", "1"}));
  if (!newest.items.empty() && !newest.items[0].items.empty()) {
    last_id_ = newest.items[0].items[0].text;
    LOOM_TRY(const std::uint64_t order, parse_entry_id(last_id_));
    listeners_.pass(order);
  }
  began_ = true;
  return ok();
}

Status RedisHub::work(Connection& connection, Link& link) {
  if (!began()) LOOM_CHECKED(begin(connection));
  link.works();
  // Half of what the connection waits for an answer.
  const std::string block = fmt::to_string(std::max<std::int64_t>(options_.patience.reply.count() / 2, 1));
  while (!link.stopping()) {
    LOOM_TRY(const Value reply, connection.run({"XREAD", "COUNT", kMostEntries, "BLOCK", block, "STREAMS",
                                                options_.stream, last_id_}));
    if (reply.kind == Value::Kind::nothing) continue;
    if (reply.items.size() != 1 || reply.items[0].items.size() != 2)
      return error(Code::corrupt, "Redis: an answer to XREAD that is none");
    tell(reply.items[0].items[1]);
  }
  return ok();
}

void RedisHub::tell(const Value& entries) {
  std::vector<store::Event> events;
  std::string last_id = last_id_;
  for (const Value& entry : entries.items) {
    if (!entry.items.empty()) last_id = entry.items[0].text;
    auto event = parse_entry(entry);
    if (event) {
      events.push_back(*std::move(event));
    } else {
      log::write(log::Level::warning, "redis.entry_skipped", {{"reason", event.error().message}});
    }
  }
  last_id_ = std::move(last_id);  // only now: after what is thrown above they are read again
  if (events.empty()) return;
  generation_.fetch_add(1);
  listeners_.tell(events);
}

}  // namespace loom::events::redis
