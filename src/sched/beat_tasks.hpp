#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "sched/beat.hpp"
#include "store/job_store.hpp"

namespace loom::sched {

/// What a beat does and when, apart from the thread that waits between. A task runs only while this server
/// leads. While another leads, or one that ended without a word still seems to, each task that is due is
/// tried again when that one's lease ends, not a whole period later. One thread runs tasks; report() is for
/// all.
class BeatTasks {
 public:
  static constexpr const char* kLeader = "beat";     ///< name of the lease
  static constexpr std::chrono::seconds kTerm{120};  ///< how long it holds
  static constexpr std::chrono::seconds kRetry{10};  ///< after the store could not be asked

  /// `leases` and `clock` are borrowed; without `leases` there is nobody else who could lead. `wall` tells
  /// the time that leases go by. `tasks` is not empty.
  BeatTasks(store::JobStore* leases, std::vector<Periodic> tasks, const Clock& clock,
            std::function<store::UnixTime()> wall);

  /// When the first task is due. Never blocks.
  [[nodiscard]] Instant next() const EXCLUDES(mutex_);
  /// Runs the task that is due first, if this server leads. Blocking: as that task, and on the store.
  void run_first() EXCLUDES(mutex_);
  /// Lets another server, or this one's successor, lead at once. Blocking: on the store, 2 s at most; what
  /// goes wrong only makes the other wait for the end of the lease.
  void resign() EXCLUDES(mutex_);
  /// As Beat::report.
  [[nodiscard]] std::string report() const EXCLUDES(mutex_);

 private:
  struct Entry {
    Periodic task;
    Instant next{};
    std::uint64_t runs = 0;
    std::uint64_t failures = 0;
    std::uint64_t items = 0;
    store::UnixTime last{};
    double last_seconds = 0;
    std::uint64_t last_items = 0;
    std::string last_error{};
  };

  /// Asks for the lease. When to try again: unset if this server leads.
  std::optional<Duration> wait_to_lead();
  /// `every` and up to a tenth of it from now.
  Instant next_run(Duration every);

  store::JobStore* const leases_;
  const Clock& clock_;
  const std::function<store::UnixTime()> wall_;
  const std::string holder_;
  std::minstd_rand random_{std::random_device{}()};  // of the constructor, then of the thread
  mutable Mutex mutex_;
  std::vector<Entry> entries_;  // tasks never change; the rest under mutex_
  bool leads_ GUARDED_BY(mutex_) = false;
};

}  // namespace loom::sched
