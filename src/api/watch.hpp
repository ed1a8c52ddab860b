#pragma once
#include <chrono>
#include <functional>
#include <thread>

#include "base/mutex.hpp"

namespace loom::api {

/// Looks at something again and again, on a thread of its own: a look may block for seconds, just when
/// much else waits for the same peer.
class Watch {
 public:
  /// `look` is called on the watch's thread, `period` after it returned last; it may block.
  Watch(std::function<void()> look, std::chrono::milliseconds period);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  /// Waits for a look that is under way.
  ~Watch();

 private:
  void loop();
  bool wait() EXCLUDES(mutex_);

  const std::function<void()> look_;
  const std::chrono::milliseconds period_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // the last, for it uses the others
};

}  // namespace loom::api
