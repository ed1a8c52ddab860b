// What events over Redis cost, beside a redis-server on the loopback address that bench/scale.py starts.
// Prints JSON:
//     events_bench emit PORT THREADS     what a count of the emitter takes the thread that makes it
//     events_bench stream PORT FOLDER    from the job store's log to a hub that has only Redis
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "base/check.hpp"
#include "base/mutex.hpp"
#include "events/redis/counters.hpp"
#include "events/redis/publisher.hpp"
#include "events/redis/redis_hub.hpp"
#include "store/sqlite/sqlite_job_store.hpp"

namespace loom::events::redis {
namespace {

using std::chrono::milliseconds;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kBacklog = 20'000;
constexpr std::size_t kWriters = 16;
constexpr std::size_t kSteady = 5'000;
constexpr double kPerSecond = 500;

Settings redis_at(std::uint16_t port) {
  Settings settings;
  settings.host = "127.0.0.1";
  settings.port = port;
  return settings;
}

struct Emitting {
  double cpu_ns = 0;
  double counts = 0;
  long waits = 0;  ///< times that the thread gave its core away by itself
};

long waits_of_this_thread() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

double cpu_ns_of_this_thread() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return 1e9 * static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec);
}

/// For longer than the sender needs to connect, to fail, and to rest.
Emitting emit_for(Counters& counters, Duration time) {
  constexpr int kAtOnce = 100'000;
  Emitting result{.cpu_ns = -cpu_ns_of_this_thread(), .waits = -waits_of_this_thread()};
  for (const Instant end = steady_clock().now() + time; steady_clock().now() < end; result.counts += kAtOnce)
    for (int i = 0; i < kAtOnce; ++i) counters.emit(Row::requests);
  result.cpu_ns += cpu_ns_of_this_thread();
  result.waits += waits_of_this_thread();
  return result;
}

void emit(const Settings& settings, std::size_t threads) {
  CounterOptions options;
  options.most = std::numeric_limits<std::uint32_t>::max();  // every one is counted, none clamped
  options.cooldown = std::chrono::seconds(1);
  Counters counters(settings, options);
  std::vector<Emitting> each(threads);
  {
    std::vector<std::jthread> workers;
    for (Emitting& one : each) workers.emplace_back([&] { one = emit_for(counters, milliseconds(2500)); });
  }
  Emitting all;
  for (const Emitting& one : each) {
    all.cpu_ns += one.cpu_ns;
    all.counts += one.counts;
    all.waits += one.waits;
  }
  fmt::print(R"({{"ns":{:.3f},"waits":{}}})"
             "\n",
             all.cpu_ns / all.counts, all.waits);
}

/// When a hub told of each event, by its order.
class Heard {
 public:
  Heard(Hub& hub, std::size_t most) : at_(most + 1) {
    hub.listen(
        [this](const std::vector<store::Event>& events) {
          const Instant now = steady_clock().now();
          const MutexLock lock(mutex_);
          for (const store::Event& event : events) at_.at(event.order) = now;
          last_ = events.back().order;
          changed_.notify_all();
        },
        handle_);
  }
  ~Heard() { handle_.reset(); }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;

  void wait_for(std::uint64_t order) {
    const Instant until = steady_clock().now() + std::chrono::seconds(60);
    const MutexLock lock(mutex_);
    while (last_ < order && steady_clock().now() < until) changed_.wait_until(mutex_, until);
    LOOM_CHECK(last_ >= order, "every event is told");
  }
  Instant at(std::uint64_t order) {
    const MutexLock lock(mutex_);
    return at_.at(order);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<Instant> at_ GUARDED_BY(mutex_);
  std::uint64_t last_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<void> handle_;
};

/// `count` events by kWriters threads; `pace` is between two of one thread.
void make_events(store::JobStore& store, std::size_t count, Duration pace) {
  std::vector<std::jthread> writers;
  for (std::size_t writer = 0; writer < kWriters; ++writer)
    writers.emplace_back([&, writer] {
      store::NewJob wish;
      wish.owner = "bench";
      wish.query_key = "q";
      Instant next = steady_clock().now() + pace * writer / kWriters;
      for (std::size_t i = writer; i < count; i += kWriters, next += pace) {
        std::this_thread::sleep_until(next);
        LOOM_CHECK(store.submit(wish, {}, store::wall_now(), Deadline::never()).has_value(),
                   "a job is taken");
      }
    });
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

void stream(const Settings& settings, const std::string& folder) {
  const auto store = store::SqliteJobStore::open(std::filesystem::path(folder) / "jobs.sqlite").value();
  const auto hub = Hub::start(*store).value();
  Heard here(*hub, kBacklog + kSteady);  // told right before the publisher
  StreamOptions options;
  options.keep = kBacklog + kSteady;
  RedisHub other(settings, options);
  Heard there(other, kBacklog + kSteady);
  while (!other.began()) std::this_thread::sleep_for(milliseconds(1));

  make_events(*store, kBacklog, {});
  here.wait_for(kBacklog);
  const Instant begin = steady_clock().now();
  const Publisher publisher(*store, *hub, settings, options);
  there.wait_for(kBacklog);
  const double rate = kBacklog / Seconds(there.at(kBacklog) - begin).count();

  const Instant steady = steady_clock().now();
  make_events(*store, kSteady, std::chrono::duration_cast<Duration>(Seconds(kWriters / kPerSecond)));
  const double steady_rate = kSteady / Seconds(steady_clock().now() - steady).count();
  there.wait_for(kBacklog + kSteady);
  std::vector<double> late;  // ms
  for (std::uint64_t order = kBacklog + 1; order <= kBacklog + kSteady; ++order)
    late.push_back(1e3 * Seconds(there.at(order) - here.at(order)).count());
  std::ranges::sort(late);
  fmt::print(R"({{"per_second":{:.0f},"steady_per_second":{:.0f},"p50_ms":{:.3f},"p99_ms":{:.3f}}})"
             "\n",
             rate, steady_rate, quantile(late, 0.5), quantile(late, 0.99));
}

template <class Number>
Number number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int run(std::span<char*> words) {
  const std::string_view what = words.size() == 4 ? words[1] : "";
  if (what == "emit") {
    emit(redis_at(number<std::uint16_t>(words[2])), number<std::size_t>(words[3]));
  } else if (what == "stream") {
    stream(redis_at(number<std::uint16_t>(words[2])), words[3]);
  } else {
    fmt::print(stderr, "usage: events_bench emit PORT THREADS | stream PORT FOLDER\n");
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace loom::events::redis

int main(int argc, char** argv) {
  return loom::events::redis::run({argv, static_cast<std::size_t>(argc)});
}
