#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/published.hpp"
#include "base/result.hpp"

namespace loom::catalog {

/// Whose database. The texts are borrowed for the call. The names are compared byte by byte: hand over the
/// canonical one, not what a user typed.
struct DisplayKey {
  std::string_view account;
  std::string_view database;
  friend auto operator<=>(const DisplayKey&, const DisplayKey&) = default;
};

/// A serialized value, shared and never copied; it stays whole however the cache changes.
using DisplayText = std::shared_ptr<const std::string>;

struct DisplayCacheLimits {
  std::size_t entries = 256;               ///< values kept, and failures remembered; at least 1
  Duration keep = std::chrono::hours(24);  ///< from the end of a load
  Duration keep_failure = std::chrono::seconds(5);
  Duration lease = std::chrono::seconds(60);  ///< how long a leader is waited for
  Duration wait = std::chrono::seconds(15);   ///< how long a follower sleeps before it looks again
};

/// Display metadata by (account, database), each loaded once however many ask (single flight).
///
/// - A hit takes no lock (find), copies nothing, and threads that hit the same key write to no common memory.
/// - The first to miss leads: it loads. Others follow: they sleep until a load ends, at most `wait`, and look
///   again. A leader that has not answered within `lease` is given up: the next caller takes its place and
///   wakes the sleepers, which then follow the new one.
/// - A leader that comes too late stores nothing and clears nothing; its own caller gets what it loaded.
/// - An invalidation ends the loads of its keys: their values reach nobody, as they may have been read before
///   the change. Leaders and followers look again, so that a call answered after an invalidation never
///   returns what was loaded before it.
/// - A failure is told to all who wait, and remembered for `keep_failure`. A load that was `cancelled` is its
///   own caller's affair: others elect a new leader.
/// - Past `entries` values the one goes that was not used since it was last considered (second chance).
///
/// Thread-safety: all methods, from any thread, at once; loads run without a lock. Claims must be gone before
/// the cache is.
class DisplayCache {
 public:
  using Loader = std::function<Result<std::string>()>;

  explicit DisplayCache(const Clock& clock = steady_clock(), DisplayCacheLimits limits = {});
  DisplayCache(const DisplayCache&) = delete;
  DisplayCache& operator=(const DisplayCache&) = delete;
  ~DisplayCache();

  /// The value if it is there, else null. Never blocks: fit for an io thread.
  [[nodiscard]] DisplayText find(DisplayKey key) const;

  /// The value, loaded by this call or the one it waits for. `load` runs in this thread, never twice at once
  /// for a key unless a lease ran out or an invalidation came between. Blocking: as `load`, or waits for
  /// another's. Errors: those of the load; timed_out when `deadline` (by the cache's clock) comes while
  /// waiting, or when invalidations outrun the loads until then.
  Result<DisplayText> get(DisplayKey key, const Loader& load, Deadline deadline = Deadline::never());

  /// Each returns how many values it removed; loads under way and remembered failures of these keys go as
  /// well, uncounted.
  std::size_t invalidate(DisplayKey key);
  std::size_t clear();

  // The steps of get(), for callers that wait in their own way, and for tests.

  /// The right and duty to load one key. Destroyed unsettled (a leader that failed by an exception) it lets
  /// the next caller lead. Move-only.
  class Claim {
   public:
    Claim(Claim&& other) noexcept;
    Claim& operator=(Claim&&) = delete;
    ~Claim();

   private:
    friend class DisplayCache;
    Claim(DisplayCache& cache, DisplayKey key, std::uint64_t number, std::uint64_t invalidations)
        : cache_(&cache), key_(key.account, key.database), number_(number), invalidations_(invalidations) {}
    DisplayCache* cache_;  // null once settled or moved from
    std::pair<std::string, std::string> key_;
    std::uint64_t number_;
    std::uint64_t invalidations_;  // that had happened when it was given
  };
  /// Another loads: look again at `until`, or when change() differs from `change`.
  struct Wait {
    Instant until;
    std::uint64_t change;
  };
  using Turn = std::variant<DisplayText, Error, Claim, Wait>;

  /// What a caller without a value does now. Short; takes the lock.
  Turn next_turn(DisplayKey key);
  /// Ends the load. The answer for the leader's caller, or nullopt if an invalidation came between: look
  /// again.
  std::optional<Result<DisplayText>> settle(Claim claim, Result<std::string> loaded);
  [[nodiscard]] std::uint64_t change() const;

 private:
  struct Entry;
  class Table;
  using EntryPtr = std::shared_ptr<const Entry>;
  using OwnKey = std::pair<std::string, std::string>;
  struct Flight {
    std::uint64_t number;  // of the claim that leads
    Instant since;
  };
  struct Failure {
    Error error;
    Instant until;
  };

  bool owns(const Claim& claim) const REQUIRES(mutex_);
  void release(const Claim& claim) EXCLUDES(mutex_);
  void store(DisplayKey key, const DisplayText& text) REQUIRES(mutex_);
  void make_room() REQUIRES(mutex_);
  void remember(const OwnKey& key, Error error) REQUIRES(mutex_);
  void publish() REQUIRES(mutex_);
  void changed() REQUIRES(mutex_);
  void wait(const Wait& wait, Deadline deadline) EXCLUDES(mutex_);
  template <class Chosen>
  std::size_t remove_if(const Chosen& chosen) EXCLUDES(mutex_);

  const Clock& clock_;
  const DisplayCacheLimits limits_;
  Published<Table> table_;  // published under mutex_
  mutable Mutex mutex_;
  CondVar woken_;
  std::vector<EntryPtr> entries_ GUARDED_BY(mutex_);  // what table_ holds; the front is considered first
  std::map<OwnKey, Flight> flights_ GUARDED_BY(mutex_);
  std::map<OwnKey, Failure> failures_ GUARDED_BY(mutex_);
  std::uint64_t last_claim_ GUARDED_BY(mutex_) = 0;
  std::uint64_t invalidations_ GUARDED_BY(mutex_) = 0;
  std::uint64_t change_ GUARDED_BY(mutex_) = 0;  // grows when a flight ends or is taken over
};

}  // namespace loom::catalog
