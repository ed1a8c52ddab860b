#pragma once
#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store::sqlite {

/// The one thread that writes. It takes all changes that wait and commits them together, so that one disk
/// sync serves many callers; each change is undone alone when it fails.
/// Thread-safety: run, waiting and groups, from any thread. The destructor finishes what waits.
class Writer {
 public:
  /// What it returns as an error is undone. Runs on the writer's thread, inside a transaction.
  using Change = std::function<Status(Connection&)>;
  struct Limits {
    std::size_t waiting = 1024;  ///< changes; beyond, run() refuses
    std::size_t group = 256;     ///< changes of one commit
  };

  Writer(std::unique_ptr<Connection> db, Limits limits);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  /// Blocking until `change` is durable, or was undone. Its own error, or: timed_out when `deadline` passed
  /// before it began; unavailable when too many wait; the error of the commit, which all of a group share.
  Status run(const Change& change, Deadline deadline) EXCLUDES(mutex_);
  /// As run(), of all of them at once: each is undone alone and has its own outcome, in the same order.
  std::vector<Status> run_all(std::span<const Change> changes, Deadline deadline) EXCLUDES(mutex_);

  /// `told` is called after each commit, on the writer's thread, and before its callers have their answers.
  void on_commit(std::function<void()> told) EXCLUDES(told_mutex_) {
    const MutexLock lock(told_mutex_);
    told_ = std::move(told);
  }

  /// Changes that no commit has taken up yet.
  [[nodiscard]] std::size_t waiting() EXCLUDES(mutex_);

 private:
  struct Request {
    const Change* change;  // lives until `answer` is given
    Deadline deadline;
    Status outcome;
    std::promise<Status> answer;
  };
  /// Takes from the front of `requests` as many as there is room for. Never throws.
  void enqueue(std::list<Request>& requests) EXCLUDES(mutex_);
  void loop() EXCLUDES(mutex_);
  std::list<Request> next_group() EXCLUDES(mutex_);
  void commit_group(std::list<Request>& group);
  Status run_group(std::list<Request>& group);
  Status run_one(Request& request);

  std::unique_ptr<Connection> db_;  // of the writer's thread
  const Limits limits_;
  Mutex told_mutex_;  // held while told_ is called
  std::function<void()> told_ GUARDED_BY(told_mutex_);
  Mutex mutex_;
  CondVar changed_;
  std::list<Request> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace loom::store::sqlite
