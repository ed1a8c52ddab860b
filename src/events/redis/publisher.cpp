#include "events/redis/publisher.hpp"

#include <algorithm>

#include "events/redis/event_fields.hpp"

namespace loom::events::redis {
namespace {

constexpr std::size_t kPage = 500;
constexpr std::chrono::seconds kReadTime{5};

/// "The ID specified in XADD is equal or smaller": somebody else was there first.
bool is_there(const Value& reply) {
  return reply.text.find("equal or smaller") != std::string::npos;
}

Error another_stores(const std::string& stream) {
  return error(Code::conflict, "the stream '{}' is of another job store; use another Redis or database",
               stream);
}

}  // namespace

Publisher::Publisher(store::JobStore& store, Hub& hub, const Settings& settings, StreamOptions options)
    : store_(store), options_(std::move(options)) {
  hub.listen(
      [this](const std::vector<store::Event>&) {
        {
          const MutexLock lock(mutex_);
          grown_ = true;
        }
        changed_.notify_one();
      },
      subscription_);
  link_ =
      std::make_unique<Link>("publisher", settings, options_.patience, options_.rest,
                             [this](Connection& connection, Link& link) { return work(connection, link); });
}

Publisher::~Publisher() {
  subscription_.reset();
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  link_->stop();
}

Status Publisher::work(Connection& connection, Link& link) {
  if (disputed_) {
    LOOM_TRY(const Owner owner, owner_of_entry(connection, *disputed_));
    if (owner == Owner::anothers) return another_stores(options_.stream);
    disputed_.reset();
  }
  LOOM_TRY(const std::uint64_t place, find_place(connection));
  published_ = place;
  LOOM_CHECKED(publish_new(connection));
  link.works();
  for (;;) {
    switch (wait()) {
      case Woken::to_stop:
        return ok();
      case Woken::by_time:
        LOOM_CHECKED(connection.run({"PING"}));
        break;
      case Woken::by_events:
        LOOM_CHECKED(publish_new(connection));
        break;
    }
  }
}

/// Compares the newest entry with the store's event of that order. One of a job that was removed is taken as
/// ours, and so is what is no event.
Status Publisher::check_ours(const Value& newest, std::uint64_t order) {
  LOOM_TRY(const std::uint64_t last, store_.last_order(Deadline::in(kReadTime)));
  const std::uint64_t before = order - std::min<std::uint64_t>(order, 1);
  LOOM_TRY(const auto events, store_.read_all_events(before, 1, Deadline::in(kReadTime)));
  const auto event = parse_entry(newest);
  const bool same_order = !events.empty() && events.front().order == order;
  if (order <= last && !(event && same_order && event->job != events.front().job)) return ok();
  return another_stores(options_.stream);
}

/// Of the entry that has the id of `event`; one that is no event is nobody's.
Result<Publisher::Owner> Publisher::owner_of_entry(Connection& connection, const store::Event& event) {
  const std::string id = entry_id(event.order);
  LOOM_TRY(const Value found, connection.run({"XRANGE", options_.stream, id, id}));
  if (found.items.empty()) return Owner::nobody;
  const auto copy = parse_entry(found.items[0]);
  if (!copy) return Owner::nobody;
  return copy->job == event.job && copy->seq == event.seq ? Owner::ours : Owner::anothers;
}

/// Where there is no copy of `event` the stream is not what we took it for: its place is to be found again.
Status Publisher::check_copy(Connection& connection, const store::Event& event) {
  LOOM_TRY(const Owner owner, owner_of_entry(connection, event));
  if (owner == Owner::ours) return ok();
  if (owner == Owner::anothers) disputed_ = event;
  return another_stores(options_.stream);
}

/// The order behind which events have to be added: what is in the stream, or what it would not keep.
Result<std::uint64_t> Publisher::find_place(Connection& connection) {
  LOOM_TRY(const Value newest, connection.run({"XREVRANGE", options_.stream, "+", "-", "COUNT", "1"}));
  std::uint64_t there = 0;
  if (!newest.items.empty() && !newest.items[0].items.empty()) {
    LOOM_TRY(there, parse_entry_id(newest.items[0].items[0].text));
    LOOM_CHECKED(check_ours(newest.items[0], there));
  }
  LOOM_TRY(const std::uint64_t last, store_.last_order(Deadline::in(kReadTime)));
  return std::max(there, last - std::min(last, options_.keep));
}

Status Publisher::publish_new(Connection& connection) {
  for (;;) {
    LOOM_TRY(const auto events, store_.read_all_events(published_, kPage, Deadline::in(kReadTime)));
    if (events.empty()) return ok();
    std::vector<Words> commands;
    for (const store::Event& event : events) {
      Words words{
          "XADD", options_.stream, "MAXLEN", "~", fmt::to_string(options_.keep), entry_id(event.order)};
      for (std::string& word : fields_of(event)) words.push_back(std::move(word));
      commands.push_back(std::move(words));
    }
    LOOM_TRY(const std::vector<Value> replies, connection.run_all(commands));
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (replies[i].kind == Value::Kind::error && !is_there(replies[i])) return refused(replies[i]);
      if (replies[i].kind == Value::Kind::error) LOOM_CHECKED(check_copy(connection, events[i]));
      published_ = events[i].order;
    }
  }
}

Publisher::Woken Publisher::wait() {
  const Instant until = steady_clock().now() + kPing;
  const MutexLock lock(mutex_);
  while (!grown_ && !stopping_ && steady_clock().now() < until) changed_.wait_until(mutex_, until);
  if (stopping_) return Woken::to_stop;
  return std::exchange(grown_, false) ? Woken::by_events : Woken::by_time;
}

}  // namespace loom::events::redis
