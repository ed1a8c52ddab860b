#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "store/job_store.hpp"

namespace loom::store {

/// What a JobStore must do, as plainly as it can be said: vectors in memory, for comparison. Ids and tokens
/// come from the store under test. A change returns the code it fails with, or nothing.
class JobStoreModel {
 public:
  using Outcome = std::optional<Code>;
  struct Entry {
    Job job;
    std::vector<Task> tasks{};
    std::vector<std::string> tokens{};  // of the tasks' leases
    std::vector<Event> events{};        // `order` is 0
  };

  std::vector<Entry>& entries() { return entries_; }
  Entry* find(const JobId& id) {
    const auto at =
        std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.job.id == id; });
    return at == entries_.end() ? nullptr : &*at;
  }

  /// The job that an idempotent submit repeats, or conflict.
  std::pair<Entry*, Outcome> repeated(const std::string& owner, const Idempotency& once) {
    const auto found = keys_.find({owner, once.key});
    if (found == keys_.end()) return {nullptr, {}};
    if (found->second.first != once.fingerprint) return {nullptr, Code::conflict};
    return {find(found->second.second), {}};
  }
  void submit(const JobId& id, const NewJob& wish, const std::optional<Idempotency>& once, UnixTime now) {
    entries_.push_back({Job{.id = id, .request = wish, .created = now}});
    if (once) keys_.insert({{wish.owner, once->key}, {once->fingerprint, id}});
    tell(entries_.back(), EventKind::submitted, now);
  }

  Outcome start(Entry& e, const std::vector<NewTask>& tasks, UnixTime now) {
    if (e.job.state != JobState::queued || (!tasks.empty() && !e.tasks.empty())) return Code::conflict;
    for (const NewTask& work : tasks) {
      e.tasks.push_back({.id = {e.job.id, static_cast<std::uint32_t>(e.tasks.size())}, .work = work});
      e.job.letters_total += work.letters;
    }
    e.tokens.resize(e.tasks.size());
    e.job.tasks_total = static_cast<std::uint32_t>(e.tasks.size());
    return move(e, JobState::running, {}, now);
  }

  Outcome move(Entry& e, JobState to, const Failure& failure, UnixTime now) {
    if (!may_move(e.job.state, to)) return Code::conflict;
    if (to == JobState::merging && e.job.tasks_done != e.job.tasks_total) return Code::conflict;
    for (std::size_t i = 0; i < e.tasks.size(); ++i) {
      if (e.tasks[i].state == TaskState::leased) back(e, i, TaskState::ready, e.tasks[i].failure);
      if (to == JobState::queued && e.tasks[i].state != TaskState::done)
        e.tasks[i] = {.id = e.tasks[i].id, .work = e.tasks[i].work};
    }
    e.job.state = to;
    e.job.failure = to == JobState::failed ? failure : Failure{};
    if (to == JobState::queued) e.job.started = {};
    if (to == JobState::running) e.job.started = now;
    e.job.finished = is_final(to) ? std::optional(now) : std::nullopt;
    tell(e, EventKind::moved, now, {}, e.job.failure);
    return {};
  }

  Outcome cancel(Entry& e, UnixTime now) {
    return e.job.state == JobState::cancelled ? Outcome() : move(e, JobState::cancelled, {}, now);
  }

  Outcome remove(Entry& e) {
    if (!is_final(e.job.state)) return Code::conflict;
    std::erase_if(keys_, [&](const auto& key) { return key.second.second == e.job.id; });
    entries_.erase(entries_.begin() + (&e - entries_.data()));
    return {};
  }

  /// Which tasks a lease gives out.
  static std::vector<std::size_t> ready(const Entry& e, std::size_t limit) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < e.tasks.size() && all.size() < limit; ++i)
      if (e.tasks[i].state == TaskState::ready) all.push_back(i);
    return all;
  }
  static void lease(Entry& e, const Lease& lease) {
    Task& task = e.tasks.at(lease.task.index);
    task.state = TaskState::leased;
    ++task.attempts;
    task.lease_owner = lease.owner;
    task.lease_until = lease.until;
    e.tokens.at(lease.task.index) = lease.token;
  }

  static Outcome renew(Entry& e, const Lease& lease, UnixTime until) {
    if (!holds(e, lease)) return Code::conflict;
    e.tasks[lease.task.index].lease_until = until;
    return {};
  }
  static Outcome finish(Entry& e, const Lease& lease, const std::string& output,
                        const RuntimeMetrics& metrics, UnixTime now) {
    Task& task = e.tasks.at(lease.task.index);
    if (task.state == TaskState::done && e.tokens[lease.task.index] == lease.token) return {};
    if (!holds(e, lease)) return Code::conflict;
    back(e, lease.task.index, TaskState::done, {});
    e.tokens[lease.task.index] = lease.token;
    task.output_key = output;
    task.metrics = metrics;
    ++e.job.tasks_done;
    e.job.letters_done += task.work.letters;
    tell(e, EventKind::task_done, now, lease.task.index);
    return {};
  }
  static Outcome give_up(Entry& e, const Lease& lease, TaskState to, const Failure& failure, UnixTime now) {
    if (!holds(e, lease)) return Code::conflict;
    back(e, lease.task.index, to, failure);
    const EventKind kind = to == TaskState::failed ? EventKind::task_failed : EventKind::task_released;
    tell(e, kind, now, lease.task.index, failure);
    return {};
  }

  /// Which tasks are overdue, in the order in which they expire.
  std::vector<TaskId> overdue(UnixTime now, std::size_t limit) {
    std::vector<std::tuple<UnixTime, std::size_t, TaskId>> all;
    for (const Entry& e : entries_)
      for (const Task& task : e.tasks)
        if (task.state == TaskState::leased && task.lease_until <= now)
          all.emplace_back(*task.lease_until, all.size(), task.id);
    std::sort(all.begin(), all.end());
    std::vector<TaskId> ids;
    for (const auto& [until, place, id] : all)
      if (ids.size() < limit) ids.push_back(id);
    return ids;
  }
  static void expire(Entry& e, std::uint32_t index, const Failure& failure, UnixTime now) {
    back(e, index, TaskState::ready, failure);
    tell(e, EventKind::task_released, now, index, failure);
  }

  static Outcome measure(Entry& e, const RuntimeMetrics& metrics, UnixTime now) {
    if (e.job.state != JobState::completed) return Code::conflict;
    e.job.metrics = metrics;
    tell(e, EventKind::measured, now);
    return {};
  }

  static void tell(Entry& e, EventKind kind, UnixTime now, std::optional<std::uint32_t> task = {},
                   const Failure& failure = {}) {
    const Job& job = e.job;
    e.events.push_back({.job = job.id,
                        .owner = job.request.owner,
                        .seq = ++e.job.version,
                        .at = now,
                        .kind = kind,
                        .state = job.state,
                        .task = task,
                        .tasks_total = job.tasks_total,
                        .tasks_done = job.tasks_done,
                        .letters_total = job.letters_total,
                        .letters_done = job.letters_done,
                        .failure = failure});
  }

  /// All jobs that match, newest first.
  std::vector<Job> list(const JobFilter& filter) {
    std::vector<Job> all;
    for (const Entry& e : entries_)
      if (matches(e.job, filter)) all.push_back(e.job);
    std::sort(all.begin(), all.end(), [](const Job& a, const Job& b) {
      return JobCursor{a.created, a.id} > JobCursor{b.created, b.id};
    });
    return all;
  }

 private:
  static bool holds(const Entry& e, const Lease& lease) {
    return e.tasks.at(lease.task.index).state == TaskState::leased &&
           e.tokens[lease.task.index] == lease.token;
  }
  static void back(Entry& e, std::size_t index, TaskState to, const Failure& failure) {
    Task& task = e.tasks[index];
    task.state = to;
    task.lease_owner.clear();
    task.lease_until.reset();
    task.failure = failure;
    e.tokens[index].clear();
  }
  static bool matches(const Job& job, const JobFilter& filter) {
    const NewJob& request = job.request;
    return request.owner == filter.owner.value_or(request.owner) &&
           job.state == filter.state.value_or(job.state) &&
           request.program == filter.program.value_or(request.program) &&
           request.database == filter.database.value_or(request.database) &&
           request.title.find(filter.text.value_or("")) != std::string::npos &&
           job.created >= filter.since.value_or(job.created);
  }

  std::vector<Entry> entries_;  // in the order of submission
  std::map<std::pair<std::string, std::string>, std::pair<std::string, JobId>> keys_;
};

}  // namespace loom::store
