#pragma once
#include <array>
#include <boost/beast/http/verb.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "base/mutex.hpp"
#include "http/server.hpp"
#include "sched/scheduler.hpp"
#include "store/job_store.hpp"

namespace loom::api {

/// Figures of the moment, for one page of metrics.
struct Gauges {
  std::optional<store::JobCounts> jobs;
  sched::SchedulerCounts scheduler;
  std::size_t connections = 0;
  std::size_t listeners = 0;
  std::string version;
  std::filesystem::path data;  ///< whose file system is told of; empty: none
};

/// Counts requests, and writes what there is to count in Prometheus' text format 0.0.4. Thread-safe; count()
/// takes a lock that only threads with the same shard share.
class Metrics {
 public:
  void count(const http::Exchange& exchange);
  /// Also reads /proc of this process, so call it on the blocking pool.
  [[nodiscard]] std::string text(const Gauges& gauges) const;

 private:
  static constexpr std::array<double, 9> kBounds{0.001, 0.0025, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 30};
  struct Timing {
    std::array<std::uint64_t, kBounds.size() + 1> buckets{};  ///< the last: all that took longer
    double seconds = 0;
  };
  using Key = std::tuple<std::string, boost::beast::http::verb, int>;
  using Place = std::tuple<std::string, boost::beast::http::verb>;
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::map<Key, std::uint64_t, std::less<>> requests GUARDED_BY(mutex);
    std::map<Place, Timing, std::less<>> timings GUARDED_BY(mutex);
  };

  void write_requests(std::string& out) const;

  std::array<Shard, 8> shards_;
};

}  // namespace loom::api
