#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/published.hpp"

namespace loom::storage {

/// Which client: an account, where it is, and a fingerprint of what it is used with; never the secret itself.
class ClientKey {
 public:
  explicit ClientKey(std::string text) : text_(std::move(text)), hash_(std::hash<std::string>()(text_)) {}
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::size_t hash() const { return hash_; }
  friend bool operator==(const ClientKey& a, const ClientKey& b) {
    return a.hash_ == b.hash_ && a.text_ == b.text_;
  }

 private:
  std::string text_;
  std::size_t hash_;
};

/// Keeps at most `most` clients for reuse, one per key; past that the one that was used longest ago goes.
///
/// A hit takes no lock and writes to no memory that threads share: each thread remembers, in a slot of its
/// own, the client it got last for a key, together with the pool's generation then and the entry it came
/// from. reset() moves the generation on and an eviction marks its entry, so both reach every thread at its
/// next acquire(). The slot counts the thread's leases without atomics, so a lease stays on its thread.
///
/// Ownership is shared: a client that leaves the pool lives on until its last lease and owner let go of it,
/// and is closed then. Where Client has retire(), it is called when a client leaves the pool, once, while
/// others may be using it. A slot of a thread that does not come back holds its client until the thread ends.
///
/// Thread-safety: all methods, from any thread, at once; the pool is destroyed when nobody calls it.
/// Blocking: no, but for a short lock on a miss; `make` and retire() are called outside it.
template <class Client>
class ClientPool {
 public:
  using Owner = std::shared_ptr<Client>;
  class Lease;

  /// `most`: at least 1. `clock` is borrowed.
  explicit ClientPool(std::size_t most = 32, const Clock& clock = steady_clock())
      : most_(most), clock_(clock), id_(next_id()) {}
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;
  ~ClientPool() { reset(); }

  /// The client of `key`, made by `make()`, an Owner that is not null, if there is none. Two threads that
  /// miss at once may both make one; both get the one that was kept.
  template <class Make>
  Lease acquire(const ClientKey& key, const Make& make) {
    Slot& slot = slots()[key.hash() % kSlots];
    if (slot.held != nullptr && slot.held->pool == id_ &&
        slot.held->generation == generation_.load(std::memory_order_acquire) &&
        slot.held->entry->kept.load(std::memory_order_acquire) && slot.held->entry->key == key) {
      touch(*slot.held->entry);
      return Lease(slot.held);
    }
    return miss(slot, key, make);
  }

  /// Drops the clients that nobody asked for in the last `idle`, to the length of the time between two calls;
  /// one that was asked for since the last call always stays. How many went.
  std::size_t prune(Duration idle) {
    std::vector<std::shared_ptr<Entry>> gone;
    {
      const MutexLock lock(mutex_);
      const auto before = coarse_now_.load(std::memory_order_relaxed);
      const auto now = tick();
      std::erase_if(entries_, [&](const std::shared_ptr<Entry>& entry) {
        const auto used = entry->used.load(std::memory_order_relaxed);
        if (used >= before || now - used < idle.count()) return false;
        gone.push_back(entry);
        return true;
      });
    }
    for (const auto& entry : gone) leave(*entry);
    return gone.size();
  }

  /// Drops all clients; every thread makes a new one at its next acquire().
  void reset() {
    std::vector<std::shared_ptr<Entry>> gone;
    {
      const MutexLock lock(mutex_);
      generation_.fetch_add(1, std::memory_order_acq_rel);
      gone.swap(entries_);
    }
    for (const auto& entry : gone) leave(*entry);
  }

  [[nodiscard]] std::size_t size() {
    const MutexLock lock(mutex_);
    return entries_.size();
  }

 private:
  static constexpr std::size_t kSlots = 8;
  using Ticks = Duration::rep;

  struct alignas(kCacheLine) Entry {
    Entry(ClientKey the_key, Owner the_client, Ticks now)
        : key(std::move(the_key)), client(std::move(the_client)), used(now) {}
    const ClientKey key;
    const Owner client;
    std::atomic<Ticks> used;  ///< coarse; written once a tick by each thread, not at every hit
    std::atomic<bool> kept{true};
  };

  /// What one thread has of one entry. Only that thread touches it.
  struct Holding {
    std::shared_ptr<Entry> entry;
    std::uint64_t pool;
    std::uint64_t generation;
    const void* thread;
    std::size_t leases = 0;
    bool in_slot = true;
  };

  struct Slot {
    Holding* held = nullptr;
    Slot() = default;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() { let_go(); }
    void let_go() {
      Holding* const old = std::exchange(held, nullptr);
      if (old == nullptr) return;
      old->in_slot = false;
      if (old->leases == 0) delete old;
    }
  };

  static const void* this_thread() {
    static constinit thread_local char mine = 0;
    return &mine;
  }

  static std::array<Slot, kSlots>& slots() {
    thread_local std::array<Slot, kSlots> mine;
    return mine;
  }
  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1) + 1;
  }

  Ticks tick() REQUIRES(mutex_) {
    const Ticks now = clock_.now().time_since_epoch().count();
    coarse_now_.store(now, std::memory_order_relaxed);
    return now;
  }
  void touch(Entry& entry) {
    const Ticks now = coarse_now_.load(std::memory_order_relaxed);
    if (entry.used.load(std::memory_order_relaxed) < now) entry.used.store(now, std::memory_order_relaxed);
  }

  template <class Make>
  Lease miss(Slot& slot, const ClientKey& key, const Make& make) {
    slot.let_go();  // of what went, before anything is made
    for (;;) {
      const std::uint64_t generation = generation_.load(std::memory_order_acquire);
      std::shared_ptr<Entry> entry = find(key, nullptr, generation);
      if (!entry) entry = find(key, make(), generation);
      if (!entry) continue;  // a reset came between: what was made may be of before it
      slot.let_go();         // make() may have acquired
      slot.held = new Holding{std::move(entry), id_, generation, this_thread()};
      return Lease(slot.held);
    }
  }

  /// The entry of `key`; one of `made` if there is none; null without either, or after a reset.
  std::shared_ptr<Entry> find(const ClientKey& key, Owner made, std::uint64_t generation) {
    std::shared_ptr<Entry> gone;
    std::shared_ptr<Entry> found;
    {
      const MutexLock lock(mutex_);
      if (generation_.load(std::memory_order_relaxed) != generation) return nullptr;
      const Ticks now = tick();
      const auto place = std::find_if(entries_.begin(), entries_.end(),
                                      [&](const auto& entry) { return entry->key == key; });
      if (place != entries_.end()) {
        found = *place;
        touch(*found);
      } else if (made) {
        if (entries_.size() >= most_) gone = take_oldest();
        found = entries_.emplace_back(std::make_shared<Entry>(key, std::move(made), now));
      }
    }
    if (gone) leave(*gone);
    return found;
  }

  std::shared_ptr<Entry> take_oldest() REQUIRES(mutex_) {
    const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a->used.load(std::memory_order_relaxed) < b->used.load(std::memory_order_relaxed);
    });
    std::shared_ptr<Entry> entry = std::move(*oldest);
    entries_.erase(oldest);
    return entry;
  }

  static void leave(Entry& entry) {
    entry.kept.store(false, std::memory_order_release);
    if constexpr (requires(Client& client) { client.retire(); }) entry.client->retire();
  }

  const std::size_t most_;
  const Clock& clock_;
  const std::uint64_t id_;
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<Ticks> coarse_now_{0};
  alignas(kCacheLine) Mutex mutex_;
  std::vector<std::shared_ptr<Entry>> entries_ GUARDED_BY(mutex_);  ///< 32 are found faster than hashed
};

/// A client while it is used. It must end on the thread that acquired it; what is to live longer, or
/// elsewhere, takes an owner.
template <class Client>
class ClientPool<Client>::Lease {
 public:
  Lease(Lease&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (held_ == nullptr) return;
    LOOM_CHECK(held_->thread == this_thread(), "a lease ends on the thread that acquired it");
    if (--held_->leases == 0 && !held_->in_slot) delete held_;
  }

  [[nodiscard]] Owner owner() const { return held_->entry->client; }
  Client& operator*() const { return *held_->entry->client; }
  Client* operator->() const { return held_->entry->client.get(); }

 private:
  friend class ClientPool;
  explicit Lease(Holding* held) : held_(held) { ++held_->leases; }
  Holding* held_;
};

}  // namespace loom::storage
