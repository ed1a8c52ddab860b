#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.hpp"
#include "events/hub.hpp"
#include "events/redis/link.hpp"
#include "store/job_store.hpp"

namespace loom::events::redis {

struct StreamOptions {
  std::string stream = "blastloom:events";  ///< the key; one for each job store
  std::uint64_t keep = 10'000;              ///< newest events that Redis keeps, about; at least 1
  Patience patience{};
  Rest rest{};
};

/// Copies the store's events into a Redis stream, in order, each once. The store's log is the truth: what
/// could not be sent, while Redis was away, slow or full, is read from there when it is back, as far as the
/// stream keeps it. Several publishers of one store do no harm. Thread-safe; nobody who makes an event waits
/// for it.
class Publisher {
 public:
  /// `store` and `hub` are borrowed. Redis need not be there yet.
  Publisher(store::JobStore& store, Hub& hub, const Settings& settings, StreamOptions options);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher();

  [[nodiscard]] Health health() const { return link_->health(); }
  /// The order of the last event that is known to be in the stream.
  [[nodiscard]] std::uint64_t published() const { return published_.load(); }

 private:
  Status work(Connection& connection, Link& link);
  Status check_ours(const Value& newest, std::uint64_t order);
  Result<std::uint64_t> find_place(Connection& connection);
  enum class Owner { ours, anothers, nobody };
  Result<Owner> owner_of_entry(Connection& connection, const store::Event& event);
  Status check_copy(Connection& connection, const store::Event& event);
  Status publish_new(Connection& connection);
  enum class Woken { by_events, by_time, to_stop };
  Woken wait();

  store::JobStore& store_;
  const StreamOptions options_;
  std::atomic<std::uint64_t> published_{0};
  std::optional<store::Event> disputed_;  // another store's entry was in its place; of the link's thread
  Mutex mutex_;
  CondVar changed_;
  bool grown_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<Link> link_;
  std::shared_ptr<void> subscription_;
};

}  // namespace loom::events::redis
