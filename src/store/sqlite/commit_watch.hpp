#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/mutex.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store::sqlite {

/// Notices what another process commits to a file that this one only reads: `every` it asks SQLite for the
/// file's data version, which reads no page. Thread-safe.
class CommitWatch {
 public:
  CommitWatch(std::unique_ptr<Connection> db, std::chrono::milliseconds every);
  CommitWatch(const CommitWatch&) = delete;
  CommitWatch& operator=(const CommitWatch&) = delete;
  ~CommitWatch();

  /// As JobStore::on_commit, on the watch's thread. A new `told` is called once at once: nobody knows what
  /// was committed since its owner looked. What it throws is logged, and it is called again at the next look.
  void on_commit(std::function<void()> told) EXCLUDES(told_mutex_, mutex_);
  /// Asks now: who calls knows of a commit. Never blocks.
  void look() EXCLUDES(mutex_);

 private:
  void loop();
  Status tell_of_news() EXCLUDES(told_mutex_);
  bool wait() EXCLUDES(mutex_);

  const std::unique_ptr<Connection> db_;  // of the thread
  const std::chrono::milliseconds every_;
  Mutex told_mutex_;  // held while told_ is called
  std::function<void()> told_ GUARDED_BY(told_mutex_);
  std::optional<std::int64_t> last_ GUARDED_BY(told_mutex_);  // version that told_ knows of
  Mutex mutex_;
  CondVar changed_;
  bool asked_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace loom::store::sqlite
