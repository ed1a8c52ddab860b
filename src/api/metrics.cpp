#include "api/metrics.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "api/machine_metrics.hpp"
#include "api/thread_slot.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

template <class Number>
void single(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            Number value) {
  head(out, name, type, help);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

// Labels are our own words: patterns of routes, methods, states. Only a version may hold what must be
// escaped.
std::string label_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c != '\n') out += c;
  }
  return out;
}

std::string_view method_name(verb method) {
  const auto name = boost::beast::http::to_string(method);
  return {name.data(), name.size()};
}

// Fields 14, 15, 22 and 24 of proc_pid_stat(5): user, system, start in ticks; resident pages.
struct ProcessFigures {
  double cpu_seconds = 0;
  double start_seconds = 0;  ///< since 1970
  std::uint64_t resident_bytes = 0;
};

double boot_seconds() {
  std::ifstream stat("/proc/stat");
  std::string line;
  while (std::getline(stat, line))
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  return 0;
}

std::optional<ProcessFigures> read_process() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');  // the name may hold blanks
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  constexpr int kFirst = 3;
  constexpr int kLast = 24;
  std::array<std::string, kLast + 1> field;
  for (int i = kFirst; i <= kLast; ++i) fields >> field[static_cast<std::size_t>(i)];
  if (!fields) return std::nullopt;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return ProcessFigures{(std::stod(field[14]) + std::stod(field[15])) / ticks,
                        boot_seconds() + std::stod(field[22]) / ticks,
                        std::stoull(field[24]) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
}

void write_process(std::string& out) {
  const auto figures = read_process();
  if (!figures) return;
  single(out, "process_cpu_seconds_total", "counter", "CPU time of this process, without its children.",
         figures->cpu_seconds);
  single(out, "process_start_time_seconds", "gauge", "When this process started, since 1970.",
         figures->start_seconds);
  single(out, "process_resident_memory_bytes", "gauge", "Memory of this process.", figures->resident_bytes);
}

void write_jobs(std::string& out, const store::JobCounts& counts) {
  head(out, "blastloom_jobs", "gauge", "Jobs in the store, by state.");
  for (std::size_t i = 0; i < counts.size(); ++i)
    fmt::format_to(std::back_inserter(out), "blastloom_jobs{{state=\"{}\"}} {}\n", name(store::kJobStates[i]),
                   counts[i]);
}

void write_scheduler(std::string& out, const sched::SchedulerCounts& counts) {
  head(out, "blastloom_tasks_total", "counter", "Tasks that ended, by outcome.");
  fmt::format_to(
      std::back_inserter(out),
      "blastloom_tasks_total{{outcome=\"done\"}} {}\nblastloom_tasks_total{{outcome=\"failed\"}} {}\n"
      "blastloom_tasks_total{{outcome=\"lost\"}} {}\n",
      counts.tasks_done, counts.tasks_failed, counts.tasks_lost);
  single(out, "blastloom_engine_runs_total", "counter", "BLAST+ processes that were started.",
         counts.processes);
  single(out, "blastloom_engine_cpu_seconds_total", "counter", "CPU time of BLAST+ processes.",
         counts.cpu_seconds);
  single(out, "blastloom_coalesced_jobs_total", "counter", "Jobs that shared a BLAST+ process with others.",
         counts.coalesced_jobs);
  single(out, "blastloom_reused_jobs_total", "counter", "Jobs and formats whose answer was known.",
         counts.reused_jobs);
  single(out, "blastloom_reuse_entries", "gauge", "Answers that are kept for equal searches.",
         counts.reuse.entries);
  single(out, "blastloom_reuse_bytes", "gauge", "Bytes of those answers.", counts.reuse.bytes);
  single(out, "blastloom_reused_queries_total", "counter",
         "Queries whose answer was known, of jobs that had others to search.", counts.reused_queries);
  single(out, "blastloom_reuse_parts", "gauge", "Parts of query sets whose rows are kept.",
         counts.parts.texts);
  single(out, "blastloom_reuse_parts_bytes", "gauge", "Bytes of those rows.", counts.parts.bytes);
  single(out, "blastloom_waiting_jobs", "gauge", "Jobs that wait to run.", counts.waiting_jobs);
  single(out, "blastloom_active_jobs", "gauge", "Jobs that run or are put together.", counts.active_jobs);
  single(out, "blastloom_cores_busy", "gauge", "Cores that tasks use.", counts.cores_busy);
}

}  // namespace

void Metrics::count(const http::Exchange& exchange) {
  const verb method = exchange.request.method;
  const double seconds = seconds_of(exchange.took);
  const auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(kBounds, seconds) - kBounds.begin());
  Shard& shard = shards_[thread_slot() % shards_.size()];
  const MutexLock lock(shard.mutex);
  const auto key = std::make_tuple(exchange.pattern, method, exchange.status);
  auto counted = shard.requests.find(key);
  if (counted == shard.requests.end())
    counted = shard.requests.emplace(Key{std::string(exchange.pattern), method, exchange.status}, 0).first;
  ++counted->second;
  // How long someone listened says nothing about the server.
  if (exchange.pattern.ends_with("/events")) return;
  auto timed = shard.timings.find(std::make_tuple(exchange.pattern, method));
  if (timed == shard.timings.end())
    timed = shard.timings.emplace(Place{std::string(exchange.pattern), method}, Timing{}).first;
  ++timed->second.buckets[bucket];
  timed->second.seconds += seconds;
}

void Metrics::write_requests(std::string& out) const {
  std::map<Key, std::uint64_t> requests;
  std::map<Place, Timing> timings;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [key, count] : shard.requests) requests[key] += count;
    for (const auto& [place, timing] : shard.timings) {
      Timing& sum = timings[place];
      for (std::size_t i = 0; i < timing.buckets.size(); ++i) sum.buckets[i] += timing.buckets[i];
      sum.seconds += timing.seconds;
    }
  }
  auto into = std::back_inserter(out);
  head(out, "blastloom_http_requests_total", "counter",
       "Requests that were answered; status 499 where the client went away while it sent.");
  for (const auto& [key, count] : requests)
    fmt::format_to(into, "blastloom_http_requests_total{{route=\"{}\",method=\"{}\",status=\"{}\"}} {}\n",
                   std::get<0>(key), method_name(std::get<1>(key)), std::get<2>(key), count);
  head(out, "blastloom_http_request_duration_seconds", "histogram",
       "Time from a request's first byte to the last of its reply; event streams are left out.");
  for (const auto& [place, timing] : timings) {
    const std::string labels =
        fmt::format("route=\"{}\",method=\"{}\"", std::get<0>(place), method_name(std::get<1>(place)));
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < timing.buckets.size(); ++i) {
      so_far += timing.buckets[i];
      const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
      fmt::format_to(into, "blastloom_http_request_duration_seconds_bucket{{{},le=\"{}\"}} {}\n", labels,
                     bound, so_far);
    }
    fmt::format_to(into,
                   "blastloom_http_request_duration_seconds_sum{{{0}}} {1}\n"
                   "blastloom_http_request_duration_seconds_count{{{0}}} {2}\n",
                   labels, timing.seconds, so_far);
  }
}

std::string Metrics::text(const Gauges& gauges) const {
  std::string out;
  head(out, "blastloom_build_info", "gauge", "1, with the version as a label.");
  fmt::format_to(std::back_inserter(out), "blastloom_build_info{{version=\"{}\"}} 1\n",
                 label_text(gauges.version));
  if (gauges.jobs) write_jobs(out, *gauges.jobs);
  write_scheduler(out, gauges.scheduler);
  write_requests(out);
  single(out, "blastloom_http_connections", "gauge", "Open connections.", gauges.connections);
  single(out, "blastloom_event_listeners", "gauge", "Event streams that are listened to.", gauges.listeners);
  write_process(out);
  write_machine(out, gauges.data);
  return out;
}

}  // namespace loom::api
