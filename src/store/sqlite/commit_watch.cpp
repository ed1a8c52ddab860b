#include "store/sqlite/commit_watch.hpp"

#include "base/guarded.hpp"
#include "base/log.hpp"

namespace loom::store::sqlite {

CommitWatch::CommitWatch(std::unique_ptr<Connection> db, std::chrono::milliseconds every)
    : db_(std::move(db)), every_(every), thread_([this] { loop(); }) {}

CommitWatch::~CommitWatch() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CommitWatch::on_commit(std::function<void()> told) {
  {
    const MutexLock lock(told_mutex_);
    told_ = std::move(told);
    last_.reset();
  }
  look();
}

void CommitWatch::look() {
  {
    const MutexLock lock(mutex_);
    asked_ = true;
  }
  changed_.notify_one();
}

void CommitWatch::loop() {
  bool failing = false;
  while (wait()) {
    const Status told = guarded([this] { return tell_of_news(); });
    if (!told && !failing)
      log::write(log::Level::warning, "store.watch_failed", {{"reason", told.error().message}});
    if (told && failing) log::write(log::Level::info, "store.watch_works", {});
    failing = !told;
  }
}

Status CommitWatch::tell_of_news() {
  const MutexLock lock(told_mutex_);
  LOOM_TRY(const std::int64_t version, db_->integer("PRAGMA data_version"));
  if (version == last_) return ok();
  if (told_) told_();
  last_ = version;  // only now, so that news that could not be told are told again
  return ok();
}

/// False at the end.
bool CommitWatch::wait() {
  const MutexLock lock(mutex_);
  const Instant until = std::chrono::steady_clock::now() + every_;
  while (!asked_ && !stopping_ && std::chrono::steady_clock::now() < until)
    changed_.wait_until(mutex_, until);
  asked_ = false;
  return !stopping_;
}

}  // namespace loom::store::sqlite
