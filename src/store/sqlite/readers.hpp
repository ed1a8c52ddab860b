#pragma once
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "store/sqlite/connection.hpp"

namespace loom::store::sqlite {

/// A bounded pool of read connections. Reads see what was committed when they began, and never wait for the
/// writer; they wait for each other when there are more than connections. Thread-safe.
class Readers {
 public:
  explicit Readers(std::vector<std::unique_ptr<Connection>> all) : idle_(std::move(all)) {}

  /// `read(Connection&)` with a connection of its own. Also: timed_out, when `deadline` passes before or
  /// during it.
  template <class Read>
  auto run(Deadline deadline, const Read& read) -> decltype(read(std::declval<Connection&>())) {
    LOOM_TRY(std::unique_ptr<Connection> db, take(deadline));
    const Return giving_back{*this, db};
    db->interrupt_at(deadline);
    return read(*db);
  }

 private:
  struct Return {
    Readers& readers;
    std::unique_ptr<Connection>& db;
    ~Return() { readers.give_back(std::move(db)); }
  };
  Result<std::unique_ptr<Connection>> take(Deadline deadline) EXCLUDES(mutex_);
  void give_back(std::unique_ptr<Connection> db) EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar freed_;
  std::vector<std::unique_ptr<Connection>> idle_ GUARDED_BY(mutex_);
};

}  // namespace loom::store::sqlite
