#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace loom {

/// A small number of the calling thread, in the order in which threads first ask: spreads threads over
/// stripes of memory, so that they do not write to one cache line.
inline unsigned thread_number() {
  static std::atomic<unsigned> last{0};
  static constinit thread_local unsigned mine = 0;
  if (mine == 0) mine = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return mine;
}

inline constexpr std::size_t kCacheLine = 64;  ///< bytes

/// An immutable value that is read without a lock while it is replaced by another. Replaced values are freed
/// when no reader is left in them; at most kMarks of them wait for that.
///
/// How it works (hazard pointers: M. Michael, "Hazard Pointers", IEEE TPDS 15 (2004)). A reader writes the
/// pointer that it is about to follow into a mark of its own, and follows it only if it still is the current
/// one. A writer replaces the pointer, then reads each mark once and frees what none named. Both are
/// sequentially consistent: a reader that saw the old pointer as current after marking it did so before the
/// writer replaced it, so the writer, which reads the marks after that, sees the mark. A mark is cleared with
/// release and read with acquire: all reading is over before the value is freed.
///
/// Thread-safety: read() from any thread, at once with all else; publish() from one thread at a time. No
/// reader may be left when the object is destroyed.
template <class T>
class Published {
 public:
  static constexpr std::size_t kMarks = 64;

  explicit Published(std::unique_ptr<const T> first) : current_(first.release()) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() { const std::unique_ptr<const T> last(current_.load()); }

  /// Holds the value that was current when it was made. Short-lived: it keeps one value from being freed.
  class Reading {
   public:
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() { mark_.store(nullptr, std::memory_order_release); }
    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_; }

   private:
    friend class Published;
    Reading(const T* value, std::atomic<const T*>& mark) : value_(value), mark_(mark) {}
    const T* value_;
    std::atomic<const T*>& mark_;
  };

  /// Takes no lock. It waits only while kMarks other threads are reading.
  [[nodiscard]] Reading read() const {
    const T* value = current_.load();
    std::atomic<const T*>& mark = claim(value);
    for (const T* now = current_.load(); now != value; now = current_.load()) {
      value = now;
      mark.store(value);
    }
    return Reading(value, mark);
  }

  /// Whoever begins to read after this reads `next`.
  void publish(std::unique_ptr<const T> next) {
    retired_.emplace_back(current_.exchange(next.release()));
    std::array<const T*, kMarks> read{};
    std::ranges::transform(marks_, read.begin(), [](const Mark& mark) { return mark.value.load(); });
    std::erase_if(retired_,
                  [&](const auto& value) { return std::ranges::find(read, value.get()) == read.end(); });
  }

 private:
  struct alignas(kCacheLine) Mark {
    std::atomic<const T*> value{nullptr};
  };

  std::atomic<const T*>& claim(const T* value) const {
    for (std::size_t at = thread_number();; ++at) {
      const T* free = nullptr;
      std::atomic<const T*>& mark = marks_[at % kMarks].value;
      if (mark.compare_exchange_strong(free, value)) return mark;
      if (at % kMarks == 0) std::this_thread::yield();
    }
  }

  std::atomic<const T*> current_;
  std::vector<std::unique_ptr<const T>> retired_;
  mutable std::array<Mark, kMarks> marks_;
};

}  // namespace loom
