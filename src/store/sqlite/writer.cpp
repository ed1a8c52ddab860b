#include "store/sqlite/writer.hpp"

#include <algorithm>
#include <exception>

#include "base/guarded.hpp"

namespace loom::store::sqlite {
namespace {

/// A library's exception (out of memory) must undo one change, not end the writer.
Status call(const Writer::Change& change, Connection& db) {
  try {
    return change(db);
  } catch (const std::bad_alloc&) {
    return error(Code::out_of_memory, "job store: no memory for a change");
  } catch (const std::exception& thrown) {
    return error(Code::internal, "job store: {}", thrown.what());
  }
}

}  // namespace

Writer::Writer(std::unique_ptr<Connection> db, Limits limits)
    : db_(std::move(db)), limits_(limits), thread_([this] { loop(); }) {}

Writer::~Writer() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Writer::enqueue(std::list<Request>& requests) {
  const MutexLock lock(mutex_);
  while (!requests.empty() && queue_.size() < limits_.waiting)
    queue_.splice(queue_.end(), requests, requests.begin());
  changed_.notify_one();  // locked: the destructor may run as soon as the change is taken up
}

Status Writer::run(const Change& change, Deadline deadline) {
  return std::move(run_all({&change, 1}, deadline).front());
}

std::vector<Status> Writer::run_all(std::span<const Change> changes, Deadline deadline) {
  std::list<Request> requests;
  std::vector<std::future<Status>> answers;
  std::vector<Status> outcomes;
  outcomes.reserve(changes.size());
  for (const Change& change : changes) {
    requests.push_back({&change, deadline, ok(), {}});
    answers.push_back(requests.back().answer.get_future());
  }
  // From here until all are answered nothing may throw: the queue would keep what the caller destroys.
  enqueue(requests);
  answers.resize(answers.size() - requests.size());
  for (auto& answer : answers) outcomes.push_back(answer.get());
  if (!requests.empty())
    outcomes.resize(
        changes.size(),
        error(Code::unavailable, "job store: {} changes wait already; try again later", limits_.waiting));
  return outcomes;
}

std::size_t Writer::waiting() {
  const MutexLock lock(mutex_);
  return queue_.size();
}

void Writer::loop() {
  for (std::list<Request> group = next_group(); !group.empty(); group = next_group()) {
    commit_group(group);
    {
      // First, so that whoever has his answer and then reads by what was told finds his own change.
      const MutexLock lock(told_mutex_);
      if (told_) told_();
    }
    for (Request& request : group) request.answer.set_value(std::move(request.outcome));
  }
}

std::list<Writer::Request> Writer::next_group() {
  const MutexLock lock(mutex_);
  while (queue_.empty() && !stopping_) changed_.wait(mutex_);
  std::list<Request> group;
  while (!queue_.empty() && group.size() < limits_.group) group.splice(group.end(), queue_, queue_.begin());
  return group;
}

void Writer::commit_group(std::list<Request>& group) {
  const Status committed = guarded([&] { return run_group(group); });
  if (committed) return;
  if (db_->in_transaction()) static_cast<void>(db_->run("ROLLBACK"));
  for (Request& request : group)
    if (request.outcome) request.outcome = committed.error();
}

Status Writer::run_group(std::list<Request>& group) {
  LOOM_CHECKED(db_->run("BEGIN IMMEDIATE"));
  for (Request& request : group) LOOM_CHECKED(run_one(request));
  const Status committed = db_->run("COMMIT");
  if (!committed) return Error(committed.error()).at("commit");
  return ok();
}

/// The request's own error goes to its outcome; what is returned ends the group.
Status Writer::run_one(Request& request) {
  if (request.deadline.passed()) {
    request.outcome = error(Code::timed_out, "job store: the deadline passed before the change began");
    return ok();
  }
  LOOM_CHECKED(db_->run("SAVEPOINT change"));
  request.outcome = call(*request.change, *db_);
  // A full disk or the like may have made SQLite undo everything, so that the others of the group are lost
  // too.
  if (!db_->in_transaction())
    return request.outcome ? Status(error(Code::internal, "job store: the transaction ended early"))
                           : request.outcome;
  if (!request.outcome) LOOM_CHECKED(db_->run("ROLLBACK TO change"));
  return db_->run("RELEASE change");
}

}  // namespace loom::store::sqlite
