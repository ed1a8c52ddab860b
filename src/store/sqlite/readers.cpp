#include "store/sqlite/readers.hpp"

namespace loom::store::sqlite {

Result<std::unique_ptr<Connection>> Readers::take(Deadline deadline) {
  const MutexLock lock(mutex_);
  while (!deadline.passed()) {
    if (!idle_.empty()) {
      std::unique_ptr<Connection> db = std::move(idle_.back());
      idle_.pop_back();
      return db;
    }
    freed_.wait_until(mutex_, deadline.when());
  }
  return error(Code::timed_out, "job store: the deadline passed before the read began");
}

void Readers::give_back(std::unique_ptr<Connection> db) {
  {
    const MutexLock lock(mutex_);
    idle_.push_back(std::move(db));
  }
  freed_.notify_one();
}

}  // namespace loom::store::sqlite
