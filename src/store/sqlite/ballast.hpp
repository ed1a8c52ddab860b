#pragma once
#include <chrono>
#include <filesystem>

#include "base/mutex.hpp"

namespace loom::store::sqlite {

/// Room on the store's disk that is given up when the disk is full, so that what frees room, or says that a
/// job failed for want of it, can still be written. Thread-safe. Blocking: on disk, for a moment.
class Ballast {
 public:
  /// Keeps the file `path`, if there is room.
  explicit Ballast(std::filesystem::path path);

  /// Makes the file again when it was given up and there is room; looks once a second at most.
  void keep() EXCLUDES(mutex_);
  void give_up() EXCLUDES(mutex_);

 private:
  void make() REQUIRES(mutex_);

  const std::filesystem::path path_;
  Mutex mutex_;
  bool kept_ GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point next_look_ GUARDED_BY(mutex_);
};

}  // namespace loom::store::sqlite
