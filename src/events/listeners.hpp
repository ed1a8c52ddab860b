#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "base/mutex.hpp"
#include "events/hub.hpp"

namespace loom::events {

/// Those who are told by a hub, and how far they were told. Thread-safe; outlives its handles.
class Listeners {
 public:
  /// Those who come now are told of events whose order is above `last`.
  explicit Listeners(std::uint64_t last) : last_(last) {}
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  /// As Hub::listen.
  std::uint64_t add(Hub::Listener listener, std::shared_ptr<void>& handle) EXCLUDES(mutex_);
  /// Tells each of `events`, which are not empty, once: what one throws is logged, and keeps it neither from
  /// the others nor from later events.
  void tell(const std::vector<store::Event>& events) EXCLUDES(mutex_);

  /// The order of the last event that was told, or passed over.
  [[nodiscard]] std::uint64_t last() EXCLUDES(mutex_);
  /// Passes over the events up to that one.
  void pass(std::uint64_t last) EXCLUDES(mutex_);

 private:
  Mutex mutex_;  // held while they are called
  std::list<Hub::Listener> all_ GUARDED_BY(mutex_);
  std::uint64_t last_ GUARDED_BY(mutex_);
};

}  // namespace loom::events
