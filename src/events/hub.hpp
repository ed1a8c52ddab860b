#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "store/job_store.hpp"

namespace loom::events {

/// Tells listeners of the store's events in the order of commits, each once, right after they happened. One
/// thread reads the log when the store says that it grew. Thread-safe.
class Hub {
 public:
  /// Gets all new events of one reading, in order; called on the hub's thread; must not block.
  using Listener = std::function<void(const std::vector<store::Event>&)>;

  /// Begins behind the events there are, and asks `store` (borrowed) to be told of commits.
  static Result<std::unique_ptr<Hub>> start(store::JobStore& store);
  virtual ~Hub() = default;

  /// Grows with every change in the store, before anybody is told of it: what was read before may be old.
  [[nodiscard]] virtual std::uint64_t generation() const = 0;
  /// The listener is told of events whose order is above what this returns, until `handle` is destroyed;
  /// after that it is not called any more. Both wait for listeners that are being called, which do not
  /// block, and never for the store.
  virtual std::uint64_t listen(Listener listener, std::shared_ptr<void>& handle) = 0;
};

}  // namespace loom::events
