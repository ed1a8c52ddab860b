#include "store/sqlite/writer.hpp"

#include <algorithm>
#include <exception>

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

Result<std::future<Status>> Writer::enqueue(const Change& change, Deadline deadline) {
  if (queue_.size() >= limits_.waiting)
    return error(Code::unavailable, "job store: {} changes wait already; try again later", queue_.size());
  queue_.push_back({&change, deadline, ok(), {}});
  changed_.notify_one();  // locked: the destructor may run as soon as the change is taken up
  return queue_.back().answer.get_future();
}

Status Writer::run(const Change& change, Deadline deadline) {
  Result<std::future<Status>> answer = std::future<Status>();
  {
    const MutexLock lock(mutex_);
    answer = enqueue(change, deadline);
  }
  return answer ? answer->get() : Status(answer.error());
}

std::vector<Status> Writer::run_all(std::span<const Change> changes, Deadline deadline) {
  std::vector<Result<std::future<Status>>> answers;
  {
    const MutexLock lock(mutex_);
    for (const Change& change : changes) answers.push_back(enqueue(change, deadline));
  }
  std::vector<Status> outcomes;
  for (auto& answer : answers) outcomes.push_back(answer ? answer->get() : Status(answer.error()));
  return outcomes;
}

std::size_t Writer::waiting() {
  const MutexLock lock(mutex_);
  return queue_.size();
}

void Writer::loop() {
  for (std::vector<Request> group = next_group(); !group.empty(); group = next_group()) {
    commit_group(group);
    {
      // First, so that whoever has his answer and then reads by what was told finds his own change.
      const MutexLock lock(told_mutex_);
      if (told_) told_();
    }
    for (Request& request : group) request.answer.set_value(std::move(request.outcome));
  }
}

std::vector<Writer::Request> Writer::next_group() {
  const MutexLock lock(mutex_);
  while (queue_.empty() && !stopping_) changed_.wait(mutex_);
  std::vector<Request> group;
  while (!queue_.empty() && group.size() < limits_.group) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void Writer::commit_group(std::vector<Request>& group) {
  const Status committed = run_group(group);
  if (committed) {
    commits_.fetch_add(1);
    return;
  }
  if (db_->in_transaction()) static_cast<void>(db_->run("ROLLBACK"));
  for (Request& request : group)
    if (request.outcome) request.outcome = committed.error();
}

Status Writer::run_group(std::vector<Request>& group) {
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
