#include "api/broadcaster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "api/job_json.hpp"

namespace loom::api {
namespace {

using Pointers = std::vector<const store::Event*>;

std::uint64_t id_of(const store::Event& event, bool of_job) {
  return of_job ? event.seq : event.order;
}

// The frames of the events whose id is above `after`.
std::shared_ptr<const std::string> frames_of(const Pointers& events, bool of_job, std::uint64_t after) {
  auto text = std::make_shared<std::string>();
  for (const store::Event* event : events)
    if (id_of(*event, of_job) > after) append_frame(*text, *event, of_job);
  return text;
}

}  // namespace

void append_frame(std::string& out, const store::Event& event, bool of_job) {
  fmt::format_to(std::back_inserter(out), "id: {}\nevent: job\ndata: ", id_of(event, of_job));
  JsonWriter json(out);
  write_event(json, event);
  out += "\n\n";
}

Broadcaster::Broadcaster(events::Hub& hub) {
  const std::uint64_t from = hub.listen([this](const Events& events) { tell(events); }, subscription_);
  const MutexLock lock(mutex_);
  last_order_ = std::max(last_order_, from);
}

Broadcaster::~Broadcaster() {
  subscription_.reset();
}

Broadcaster::Listeners& Broadcaster::group_of(const Topic& topic) {
  if (topic.job) return by_job_[topic.job->str()];
  if (topic.owner) return by_owner_[*topic.owner];
  return everyone_;
}

void Broadcaster::add(const std::shared_ptr<Listener>& listener) {
  const MutexLock lock(mutex_);
  group_of(listener->topic_).push_back(listener);
  count_.fetch_add(1, std::memory_order_relaxed);
}

bool Broadcaster::add_live(const std::shared_ptr<Listener>& listener, std::uint64_t after) {
  const MutexLock lock(mutex_);
  group_of(listener->topic_).push_back(listener);
  count_.fetch_add(1, std::memory_order_relaxed);
  listener->after_ = after;
  listener->live_ = after >= last_order_;
  return listener->live_;
}

void Broadcaster::remove(Listener& listener) {
  const MutexLock lock(mutex_);
  listener.gone_.store(true, std::memory_order_relaxed);
  Listeners& group = group_of(listener.topic_);
  const auto found = std::ranges::find(group, &listener, &std::shared_ptr<Listener>::get);
  if (found == group.end()) return;
  // Nobody minds the order, and thousands may leave at once.
  std::swap(*found, group.back());
  const std::shared_ptr<Listener> kept = std::move(group.back());
  group.pop_back();
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (!group.empty()) return;
  if (kept->topic_.job) {
    by_job_.erase(kept->topic_.job->str());
  } else if (kept->topic_.owner) {
    by_owner_.erase(*kept->topic_.owner);
  }
}

void Broadcaster::begin_catching_up(Listener& listener) {
  const MutexLock lock(mutex_);
  listener.missed_ = false;
}

bool Broadcaster::try_go_live(Listener& listener, std::uint64_t after) {
  const MutexLock lock(mutex_);
  listener.after_ = after;
  listener.live_ = !listener.missed_;
  return listener.live_;
}

std::vector<std::shared_ptr<Listener>> Broadcaster::all() const {
  const MutexLock lock(mutex_);
  Listeners all = everyone_;
  for (const auto* groups : {&by_owner_, &by_job_})
    for (const auto& [key, group] : *groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::uint64_t Broadcaster::last_order() const {
  const MutexLock lock(mutex_);
  return last_order_;
}

void Broadcaster::gather(const Listeners& listeners, const Pointers& events, std::vector<Sending>& into) {
  if (listeners.empty()) return;
  const bool of_job = listeners.front()->topic_.job.has_value();
  const bool last = of_job && store::is_final(events.back()->state);
  Text shared;
  for (const std::shared_ptr<Listener>& listener : listeners) {
    if (!listener->live_) {
      listener->missed_ = true;
      continue;
    }
    // The history may have been ahead of the hub.
    const bool had_some = listener->after_ >= id_of(*events.front(), of_job);
    if (!had_some && !shared) shared = frames_of(events, of_job, 0);
    Text text = had_some ? frames_of(events, of_job, listener->after_) : shared;
    if (!text->empty() || last) into.push_back({listener, std::move(text), last});
  }
}

void Broadcaster::gather_unaware(const Listeners& listeners, std::vector<Sending>& into) {
  for (const std::shared_ptr<Listener>& listener : listeners) {
    if (listener->heard_ == server_) continue;
    listener->heard_ = server_;
    into.push_back({listener, server_});
  }
}

void Broadcaster::tell_server(std::string_view json) {
  std::string frame = fmt::format("event: server\ndata: {}\n\n", json);
  std::vector<Sending> sendings;
  {
    const MutexLock lock(mutex_);
    if (!server_ || *server_ != frame) server_ = std::make_shared<const std::string>(std::move(frame));
    gather_unaware(everyone_, sendings);
    for (const auto& [owner, group] : by_owner_) gather_unaware(group, sendings);
  }
  send(sendings);
}

// Outside the lock: a stream that ends takes it to leave.
void Broadcaster::send(const std::vector<Sending>& sendings) {
  for (const Sending& sending : sendings) {
    if (sending.listener->gone()) continue;
    if (!sending.text->empty()) sending.listener->sink().send(sending.text);
    if (sending.last) sending.listener->sink().close();
  }
}

// Only the hub's one thread comes here, so batches cannot overtake each other.
void Broadcaster::tell(const Events& events) {
  if (events.empty()) return;
  std::vector<Sending> sendings;
  {
    const MutexLock lock(mutex_);
    Pointers all;
    std::map<std::string_view, Pointers> owners;
    std::map<std::string_view, Pointers> jobs;
    for (const store::Event& event : events) {
      all.push_back(&event);
      if (!by_owner_.empty()) owners[event.owner].push_back(&event);
      if (!by_job_.empty()) jobs[event.job.str()].push_back(&event);
    }
    gather(everyone_, all, sendings);
    for (const auto& [owner, some] : owners)
      if (const auto group = by_owner_.find(std::string(owner)); group != by_owner_.end())
        gather(group->second, some, sendings);
    for (const auto& [job, some] : jobs)
      if (const auto group = by_job_.find(std::string(job)); group != by_job_.end())
        gather(group->second, some, sendings);
    last_order_ = std::max(last_order_, events.back().order);
  }
  send(sendings);
}

}  // namespace loom::api
