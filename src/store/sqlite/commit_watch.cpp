#include "store/sqlite/commit_watch.hpp"

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
  while (wait()) {
    const MutexLock lock(told_mutex_);
    const auto version = db_->integer("PRAGMA data_version");
    if (!version || *version == last_) continue;
    last_ = *version;
    if (told_) told_();
  }
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
