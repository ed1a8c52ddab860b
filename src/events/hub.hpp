#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "store/job_store.hpp"

namespace loom::events {

/// Tells listeners of the store's events in the order of commits, each once, right after they happened. One
/// thread reads the log when the store says that it grew. Thread-safe.
class Hub {
 public:
  /// Gets all new events of one reading, in order; called on the hub's thread; must not block.
  using Listener = std::function<void(const std::vector<store::Event>&)>;

  /// Begins behind the events there are. `store` is borrowed.
  static Result<std::unique_ptr<Hub>> start(store::JobStore& store);
  virtual ~Hub() = default;

  /// The log grew (or may have): never blocks. For the store's own call after a commit.
  virtual void grew() = 0;
  /// Grows with every change of any job: what was read before it grew may be old.
  [[nodiscard]] virtual std::uint64_t generation() const = 0;
  /// The listener is told of events whose order is above what this returns, until the handle is destroyed;
  /// after that it is not called any more.
  virtual std::uint64_t listen(Listener listener, std::shared_ptr<void>& handle) = 0;
};

}  // namespace loom::events
