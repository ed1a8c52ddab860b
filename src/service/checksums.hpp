#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "storage/object_store.hpp"

namespace loom::service {

/// SHA-256 of objects, each found once for each version of it. A small object is read by who asks; a large
/// one by one thread, in the order in which they were asked for, and its sum is kept as an object beside it,
/// so that it goes where that goes. Thread-safe. Blocking: on the object store.
class Checksums {
 public:
  /// `objects` is borrowed. `small_bytes`: the most that who asks reads himself.
  explicit Checksums(storage::ObjectStore& objects, std::uint64_t small_bytes = std::uint64_t{64} << 20U);
  /// What is being read is given up.
  ~Checksums();
  Checksums(const Checksums&) = delete;
  Checksums& operator=(const Checksums&) = delete;

  /// Of an object as stat() or list() told it, in hex. Past `deadline` it is empty, and the work goes on.
  /// Errors: conflict when the object has been replaced since; those of reading it.
  Result<std::string> get(const storage::ObjectInfo& info, Deadline deadline) EXCLUDES(mutex_);

 private:
  using Sum = Result<std::string>;
  struct Wanted {
    storage::ObjectInfo info;
    std::optional<Sum> outcome{};
  };

  void work(const std::stop_token& stop) EXCLUDES(mutex_);
  std::string find(const std::string& name) EXCLUDES(mutex_);
  void remember(const std::string& name, const std::string& sum) REQUIRES(mutex_);
  Sum read(const storage::ObjectInfo& info, const std::stop_token& stop, Deadline deadline);
  /// As read(), but asks first what is kept, and keeps it.
  Sum read_large(const storage::ObjectInfo& info, const std::stop_token& stop);

  storage::ObjectStore& objects_;
  const std::uint64_t small_bytes_;
  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, std::string> known_ GUARDED_BY(mutex_);  // by object and version
  std::map<std::string, std::shared_ptr<Wanted>> asked_
      GUARDED_BY(mutex_);  // waiting, and the one being read
  std::deque<std::shared_ptr<Wanted>> waiting_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::jthread reader_;
};

}  // namespace loom::service
