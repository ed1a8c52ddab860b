#pragma once
#include <chrono>
#include <functional>
#include <thread>

#include "api/broadcaster.hpp"
#include "api/ready.hpp"
#include "base/mutex.hpp"

namespace loom::api {

/// Looks again and again how the server is while somebody listens to events, and has the broadcaster tell
/// it. On a thread of its own: a look may block for seconds, just when much else waits for the same peer.
class ReadyWatch {
 public:
  /// `broadcaster` is borrowed. `ready` may block; it is called on the watch's thread, `period` after its
  /// last answer.
  ReadyWatch(Broadcaster& broadcaster, std::function<ReadyState()> ready, std::chrono::milliseconds period);
  ReadyWatch(const ReadyWatch&) = delete;
  ReadyWatch& operator=(const ReadyWatch&) = delete;
  /// Waits for a look that is under way.
  ~ReadyWatch();

 private:
  void loop();
  bool wait() EXCLUDES(mutex_);

  Broadcaster& broadcaster_;
  const std::function<ReadyState()> ready_;
  const std::chrono::milliseconds period_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // the last, for it uses the others
};

}  // namespace loom::api
