// What a hit of the display cache takes, on one and on two threads, beside a mutex and an LRU list of the
// same size. Prints one JSON object: per case the nanoseconds per hit of each repetition, rivals in turn.
//   catalogue_bench cache ROUNDS
#include <fmt/format.h>
#include <time.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/check.hpp"
#include "base/mutex.hpp"
#include "catalog/display_cache.hpp"

namespace loom::catalog {
namespace {

constexpr std::size_t kEntries = 256;
constexpr std::size_t kHits = 1'000'000;  // of each thread

/// What one would write first: recency as a list, one lock around it all.
class MutexLru {
 public:
  void put(const std::string& account, const std::string& database, DisplayText text, Instant until) {
    const MutexLock lock(mutex_);
    order_.push_front({.key = account + '/' + database, .text = std::move(text), .until = until});
    places_[order_.front().key] = order_.begin();
    if (order_.size() <= kEntries) return;
    places_.erase(order_.back().key);
    order_.pop_back();
  }

  DisplayText find(DisplayKey key) {
    std::string joined(key.account);
    joined += '/';
    joined += key.database;
    const MutexLock lock(mutex_);
    const auto found = places_.find(joined);
    if (found == places_.end() || steady_clock().now() >= found->second->until) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->text;
  }

 private:
  struct Item {
    std::string key;
    DisplayText text;
    Instant until;
  };
  Mutex mutex_;
  std::list<Item> order_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::list<Item>::iterator> places_ GUARDED_BY(mutex_);
};

double thread_cpu_seconds() {
  timespec time{};
  LOOM_CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0, "a thread knows its time");
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Nanoseconds per hit of each thread: by the clock on the wall, and of processor time (which other programs
/// on the machine lengthen less, but which leaves out waiting for a lock).
struct HitTime {
  double wall;
  double cpu;
};

/// When `threads` threads call find(key number) at once.
HitTime time_hits(int threads, std::size_t keys, const std::function<bool(std::size_t)>& find) {
  std::barrier start(threads + 1);
  std::atomic<double> cpu_seconds{0};
  Instant begin;
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&, i] {
        start.arrive_and_wait();
        const double before = thread_cpu_seconds();
        for (std::size_t hit = 0; hit < kHits; ++hit)
          LOOM_CHECK(find((hit * 7 + static_cast<std::size_t>(i)) % keys), "every call is a hit");
        cpu_seconds += thread_cpu_seconds() - before;
      });
    begin = steady_clock().now();
    start.arrive_and_wait();
  }
  const double wall = std::chrono::duration<double, std::nano>(steady_clock().now() - begin).count();
  return {.wall = wall / kHits, .cpu = 1e9 * cpu_seconds / threads / kHits};
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < kEntries; ++i) all.push_back(fmt::format("nucleotide_collection_{:03}", i));
  return all;
}

void bench_cache(int rounds) {
  const std::string account = "storageaccount01";
  const auto all = names();
  const auto key = [&](std::size_t i) { return DisplayKey{.account = account, .database = all[i]}; };
  DisplayCache cache;
  MutexLru lru;
  const std::string value(1500, '.');
  for (std::size_t i = 0; i < kEntries; ++i) {
    LOOM_CHECK(cache.get(key(i), [&]() -> Result<std::string> { return value; }), "stored");
    lru.put(account, all[i], std::make_shared<const std::string>(value), Instant::max());
  }
  const auto ours = [&](std::size_t i) { return cache.find(key(i)) != nullptr; };
  const auto theirs = [&](std::size_t i) { return lru.find(key(i)) != nullptr; };
  std::map<std::string, std::vector<double>> cases;
  const auto add = [&](const std::string& what, const HitTime& time) {
    cases[what + ", wall"].push_back(time.wall);
    cases[what + ", cpu"].push_back(time.cpu);
  };
  for (int round = 0; round < rounds; ++round)
    for (const std::size_t keys : {kEntries, std::size_t{1}})
      for (const int threads : {1, 2}) {
        add(fmt::format("cache, {} keys, {} threads", keys, threads), time_hits(threads, keys, ours));
        add(fmt::format("mutex, {} keys, {} threads", keys, threads), time_hits(threads, keys, theirs));
      }
  fmt::print("{{");
  std::string_view comma;
  for (const auto& [name, values] : cases) {
    fmt::print("{}\"{}\":[{:.2f}]", comma, name, fmt::join(values, ","));
    comma = ",\n";
  }
  fmt::print("}}\n");
}

}  // namespace
}  // namespace loom::catalog

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "cache") {
    loom::catalog::bench_cache(std::atoi(argv[2]));
    return 0;
  }
  fmt::print(stderr, "usage: catalogue_bench cache ROUNDS\n");
  return 2;
}
