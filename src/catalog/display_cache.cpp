#include "catalog/display_cache.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <optional>

#include "base/check.hpp"

namespace loom::catalog {
namespace {

/// Threads count their use of a value in different places: with one count, two threads that hit the same key
/// would take turns at one cache line.
constexpr std::size_t kStripes = 16;

struct alignas(kCacheLine) Share {
  DisplayText text;
};

std::array<DisplayText, kStripes> shares_of(const DisplayText& text) {
  std::array<DisplayText, kStripes> shares;
  for (DisplayText& share : shares) {
    const auto own = std::make_shared<const Share>(Share{text});
    share = DisplayText(own, text.get());
  }
  return shares;
}

}  // namespace

struct DisplayCache::Entry {
  Entry(DisplayKey of, const DisplayText& text, Instant end)
      : expires(end),
        account_size(of.account.size()),
        names(std::string(of.account).append(of.database)),
        shares(shares_of(text)) {}
  [[nodiscard]] DisplayKey key() const {
    const std::string_view both = names;
    return {.account = both.substr(0, account_size), .database = both.substr(account_size)};
  }
  [[nodiscard]] const DisplayText& share() const { return shares[thread_number() % kStripes]; }

  const Instant expires;
  mutable std::atomic<bool> used{false};  // since it was last considered for eviction
  const std::size_t account_size;
  const std::string names;  // account and database in one place: a hit touches few lines of memory
  const std::array<DisplayText, kStripes> shares;
};

/// The entries by key: open addressing in twice the room or more, never changed.
class DisplayCache::Table {
 public:
  explicit Table(std::vector<EntryPtr> entries)
      : entries_(std::move(entries)), slots_(std::bit_ceil(2 * entries_.size() + 1)) {
    for (const EntryPtr& entry : entries_) {
      const std::size_t hash = hash_of(entry->key());
      std::size_t at = hash;
      while (slots_[at & mask()].entry != nullptr) ++at;
      slots_[at & mask()] = {.hash = hash, .entry = entry.get()};
    }
  }

  [[nodiscard]] const Entry* find(DisplayKey key) const {
    const std::size_t hash = hash_of(key);
    for (std::size_t at = hash;; ++at) {
      const Slot& slot = slots_[at & mask()];
      if (slot.entry == nullptr || (slot.hash == hash && slot.entry->key() == key)) return slot.entry;
    }
  }

 private:
  struct Slot {
    std::size_t hash = 0;
    const Entry* entry = nullptr;
  };
  static std::size_t hash_of(DisplayKey key) {
    constexpr std::size_t kOdd = 0x9e3779b97f4a7c15;  // sets (a, b) apart from (b, a)
    return std::hash<std::string_view>{}(key.account) * kOdd + std::hash<std::string_view>{}(key.database);
  }
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }

  std::vector<EntryPtr> entries_;
  std::vector<Slot> slots_;
};

DisplayCache::DisplayCache(const Clock& clock, DisplayCacheLimits limits)
    : clock_(clock), limits_(limits), table_(std::make_unique<const Table>(std::vector<EntryPtr>())) {
  LOOM_CHECK(limits.entries > 0, "a cache holds something");
}

DisplayCache::~DisplayCache() = default;

DisplayText DisplayCache::find(DisplayKey key) const {
  const auto table = table_.read();
  const Entry* entry = table->find(key);
  if (entry == nullptr || clock_.now() >= entry->expires) return nullptr;
  // Read before written: a line that all write to would be fought over.
  if (!entry->used.load(std::memory_order_relaxed)) entry->used.store(true, std::memory_order_relaxed);
  return entry->share();
}

Result<DisplayText> DisplayCache::get(DisplayKey key, const Loader& load, Deadline deadline) {
  if (DisplayText hit = find(key)) return hit;
  for (;;) {
    Turn turn = next_turn(key);
    if (auto* text = std::get_if<DisplayText>(&turn)) return std::move(*text);
    if (auto* failed = std::get_if<Error>(&turn)) return std::move(*failed);
    if (auto* claim = std::get_if<Claim>(&turn)) {
      Result<std::string> loaded = load();
      if (auto answer = settle(std::move(*claim), std::move(loaded))) return *std::move(answer);
    }
    if (deadline.passed(clock_)) {
      return error(Code::timed_out, "the metadata of database '{}' did not come in time; ask again",
                   key.database);
    }
    if (const auto* other = std::get_if<Wait>(&turn)) wait(*other, deadline);
  }
}

DisplayCache::Turn DisplayCache::next_turn(DisplayKey key) {
  const MutexLock lock(mutex_);
  // Under the lock, as a leader may have stored it since the caller looked.
  if (DisplayText hit = find(key)) return hit;
  const Instant now = clock_.now();
  OwnKey own(key.account, key.database);
  if (const auto failed = failures_.find(own); failed != failures_.end()) {
    if (now < failed->second.until) return failed->second.error;
    failures_.erase(failed);
  }
  const auto flight = flights_.find(own);
  if (flight != flights_.end() && now < flight->second.since + limits_.lease)
    return Wait{.until = now + limits_.wait, .change = change_};
  if (flight != flights_.end()) changed();  // its followers follow this caller from now on
  flights_[std::move(own)] = {.number = ++last_claim_, .since = now};
  return Claim(*this, key, last_claim_, invalidations_);
}

std::optional<Result<DisplayText>> DisplayCache::settle(Claim claim, Result<std::string> loaded) {
  Result<DisplayText> answer =
      loaded ? Result<DisplayText>(std::make_shared<const std::string>(*std::move(loaded)))
             : Result<DisplayText>(std::move(loaded.error()));
  const MutexLock lock(mutex_);
  claim.cache_ = nullptr;
  if (owns(claim)) {
    if (answer) {
      store({.account = claim.key_.first, .database = claim.key_.second}, *answer);
    } else if (answer.error().code != Code::cancelled) {
      remember(claim.key_, answer.error());
    }
    flights_.erase(claim.key_);
    changed();
  } else if (claim.invalidations_ != invalidations_) {
    return std::nullopt;  // perhaps only of another key; to look again is right all the same
  }
  return answer;
}

std::uint64_t DisplayCache::change() const {
  const MutexLock lock(mutex_);
  return change_;
}

void DisplayCache::wait(const Wait& wait, Deadline deadline) {
  const MutexLock lock(mutex_);
  if (change_ != wait.change) return;
  const Instant until = std::min(wait.until, deadline.when());
  // The clock may be a test's: what is left by it is slept by the machine's.
  woken_.wait_until(mutex_, steady_clock().now() + (until - clock_.now()));
}

std::size_t DisplayCache::invalidate(DisplayKey key) {
  return remove_if([&](DisplayKey one) { return one == key; });
}

std::size_t DisplayCache::clear() {
  return remove_if([](DisplayKey) { return true; });
}

template <class Chosen>
std::size_t DisplayCache::remove_if(const Chosen& chosen) {
  const auto chosen_key = [&](const auto& item) {
    return chosen(DisplayKey{.account = item.first.first, .database = item.first.second});
  };
  const MutexLock lock(mutex_);
  const std::size_t removed =
      std::erase_if(entries_, [&](const EntryPtr& entry) { return chosen(entry->key()); });
  if (removed > 0) publish();
  std::erase_if(failures_, chosen_key);
  std::erase_if(flights_, chosen_key);
  ++invalidations_;
  changed();
  return removed;
}

bool DisplayCache::owns(const Claim& claim) const {
  const auto flight = flights_.find(claim.key_);
  return flight != flights_.end() && flight->second.number == claim.number_;
}

void DisplayCache::release(const Claim& claim) {
  const MutexLock lock(mutex_);
  if (!owns(claim)) return;
  flights_.erase(claim.key_);
  changed();
}

void DisplayCache::store(DisplayKey key, const DisplayText& text) {
  const Instant now = clock_.now();
  std::erase_if(entries_, [&](const EntryPtr& one) { return one->key() == key || now >= one->expires; });
  make_room();
  entries_.push_back(std::make_shared<const Entry>(key, text, now + limits_.keep));
  publish();
}

void DisplayCache::make_room() {
  if (entries_.size() < limits_.entries) return;
  // Those in use go behind the others. If all are, this has asked each once and the oldest goes.
  const auto unused = std::ranges::find_if(entries_, [](const EntryPtr& entry) {
    return !entry->used.exchange(false, std::memory_order_relaxed);
  });
  if (unused == entries_.end()) {
    entries_.erase(entries_.begin());
    return;
  }
  std::rotate(entries_.begin(), unused, entries_.end());
  entries_.erase(entries_.begin());
}

void DisplayCache::remember(const OwnKey& key, Error error) {
  const Instant now = clock_.now();
  if (failures_.size() >= limits_.entries)
    std::erase_if(failures_, [&](const auto& one) { return now >= one.second.until; });
  if (failures_.size() >= limits_.entries) failures_.erase(failures_.begin());
  failures_[key] = {.error = std::move(error), .until = now + limits_.keep_failure};
}

void DisplayCache::publish() {
  table_.publish(std::make_unique<const Table>(entries_));
}

void DisplayCache::changed() {
  ++change_;
  woken_.notify_all();
}

DisplayCache::Claim::Claim(Claim&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)),
      key_(std::move(other.key_)),
      number_(other.number_),
      invalidations_(other.invalidations_) {}

DisplayCache::Claim::~Claim() {
  if (cache_ != nullptr) cache_->release(*this);
}

}  // namespace loom::catalog
