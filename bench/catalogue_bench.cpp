// What a hit of the display cache takes, on one and on two threads, beside a mutex and an LRU list of the
// same size. Prints one JSON object: per case the nanoseconds per hit of each repetition, rivals in turn.
//   catalogue_bench cache ROUNDS
// Or what looking for 1,000 databases in a folder takes, the first time and again; they are links to one.
//   catalogue_bench scan ROUNDS DATABASE
#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/check.hpp"
#include "base/mutex.hpp"
#include "base/temp_dir.hpp"
#include "catalog/discovery.hpp"
#include "catalog/display_cache.hpp"
#include "taxonomy/image.hpp"
#include "taxonomy/taxonomy.hpp"

namespace loom {
namespace {

using Cases = std::map<std::string, std::vector<double>>;

void print(const Cases& cases) {
  fmt::print("{{");
  std::string_view comma;
  for (const auto& [name, values] : cases) {
    fmt::print("{}\"{}\":[{:.3f}]", comma, name, fmt::join(values, ","));
    comma = ",\n";
  }
  fmt::print("}}\n");
}

}  // namespace
}  // namespace loom

namespace loom::catalog {
namespace {

constexpr std::size_t kEntries = 256;
constexpr std::size_t kHits = 100'000;  // of each thread; 10 ms, so that some runs are not interrupted

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

/// Keeps the calling thread on one core, so that two threads of a run do not share one for a while.
void stay_on(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(core), &cores);
  LOOM_CHECK(::sched_setaffinity(0, sizeof(cores), &cores) == 0, "the machine has two cores");
}

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
        stay_on(i);
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
  Cases cases;
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
  print(cases);
}

}  // namespace
}  // namespace loom::catalog

namespace loom::taxonomy {
namespace {

constexpr std::uint32_t kTaxa = 2'600'000;  // NCBI's in 2025

/// A dump of NCBI's size and shape: ids with gaps, a tree some 20 deep, 1.6 names a taxon.
void write_dump(const std::filesystem::path& folder) {
  std::mt19937 chance(1);  // NOLINT(cert-msc51-cpp): the same dump each time
  std::ofstream nodes(folder / "nodes.dmp", std::ios::binary);
  std::ofstream names(folder / "names.dmp", std::ios::binary);
  const auto word = [&](std::size_t letters) {
    std::string text;
    for (std::size_t i = 0; i < letters; ++i) text += static_cast<char>('a' + chance() % 26);
    return text;
  };
  const auto id_of = [](std::size_t i) { return i == 0 ? 1 : 2 + i * 5 / 4; };
  for (std::size_t i = 0; i < kTaxa; ++i) {
    const std::size_t parent = i == 0 ? 0 : chance() % i;
    nodes << fmt::format(
        "{}\t|\t{}\t|\tspecies\t|\tXX\t|\t0\t|\t1\t|\t11\t|\t1\t|\t0\t|\t1\t|\t1\t|\t0\t|\t\t|\n", id_of(i),
        id_of(parent));
    names << fmt::format("{}\t|\t{} {} {}\t|\t\t|\tscientific name\t|\n", id_of(i), word(8), word(10),
                         i % 1000);
    if (chance() % 5 < 3)
      names << fmt::format("{}\t|\t{} {}\t|\t\t|\tsynonym\t|\n", id_of(i), word(8), word(9));
  }
}

/// Microseconds of each of `count` calls.
template <class Act>
double microseconds(std::size_t count, const Act& act) {
  const Instant begin = steady_clock().now();
  for (std::size_t i = 0; i < count; ++i) act();
  return std::chrono::duration<double, std::micro>(steady_clock().now() - begin).count() /
         static_cast<double>(count);
}

void bench_lookups(const Taxonomy& all, Cases& cases) {
  std::mt19937 chance(2);  // NOLINT(cert-msc51-cpp): the same lookups each time
  std::vector<TaxId> ids;
  std::vector<std::string> names;
  while (ids.size() < 20'000) {
    const TaxId id = 1 + chance() % (kTaxa * 5 / 4);
    if (const auto taxon = all.find(id)) {
      ids.push_back(id);
      names.emplace_back(taxon->name);
    }
  }
  std::size_t next = 0;
  const auto turn = [&] { return next = (next + 1) % ids.size(); };
  std::size_t found = 0;
  const auto add = [&](const char* what, std::size_t count, const auto& act) {
    cases[what].push_back(microseconds(count, act));
  };
  add("find a taxid, us", 100'000, [&] { found += all.find(ids[turn()])->name.size(); });
  add("lineage, us", 50'000, [&] { found += all.lineage(ids[turn()])->size(); });
  add("find a name, us", 50'000, [&] { found += all.named(names[turn()]).size(); });
  add("complete 4 letters, top 10, us", 20'000,
      [&] { found += all.complete(names[turn()].substr(0, 4), 10).size(); });
  add("complete 1 letter, top 10, us", 500,
      [&] { found += all.complete(names[turn()].substr(0, 1), 10).size(); });
  add("descendants of 3 taxa less 2, us", 20'000, [&] {
    const std::array include{ids[turn()], ids[turn()], ids[turn()]};
    const std::array exclude{ids[turn()], ids[turn()]};
    found += all.select(include, exclude).taxids.size();
  });
  add("descendants of the root, all, us", 3,
      [&] { found += all.select(std::array{TaxId{1}}, {}).taxids.size(); });
  LOOM_CHECK(found > 3 * std::size_t{kTaxa}, "the lookups found something");
}

void bench_taxonomy(int rounds) {
  const auto folder = TempDir::create();
  LOOM_CHECK(folder.has_value(), "a temporary folder");
  write_dump(folder->path());
  const auto file = folder->path() / "taxonomy";
  Cases cases;
  for (int round = 0; round < rounds; ++round) {
    const auto seconds = [&](const char* what, const auto& act) {
      cases[what].push_back(microseconds(1, act) / 1e6);
    };
    seconds("import, s", [&] { LOOM_CHECK(import_taxdump(folder->path(), file), "imported"); });
    Result<std::shared_ptr<const Taxonomy>> all = error(Code::internal, "not open");
    seconds("open, s", [&] { all = Taxonomy::open(file); });
    LOOM_CHECK(all.has_value(), "opened");
    bench_lookups(**all, cases);
  }
  cases["file, MB"].push_back(static_cast<double>(std::filesystem::file_size(file)) / 1e6);
  print(cases);
}

}  // namespace
}  // namespace loom::taxonomy

namespace loom::catalog {
namespace {

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void bench_scan(int rounds, const std::filesystem::path& database) {
  namespace fs = std::filesystem;
  constexpr std::size_t kDatabases = 1000;
  auto folder = TempDir::create(database.parent_path());  // links do not cross file systems
  LOOM_CHECK(folder.has_value(), "a folder beside the database");
  for (std::size_t i = 0; i < kDatabases; ++i)
    for (const auto& entry : fs::directory_iterator(database.parent_path()))
      if (entry.path().stem() == database.filename())
        fs::create_hard_link(entry.path(),
                             folder->path() / fmt::format("d{:04}{}", i, entry.path().extension().string()));
  Cases cases;
  for (int round = 0; round < rounds; ++round) {
    Discovery discovery;
    const auto scan = [&] {
      LOOM_CHECK(discovery.scan({{folder->path()}}).size() == kDatabases, "all of them are found");
    };
    cases["for the first time, ms"].push_back(1e3 * seconds(scan));
    cases["again, ms"].push_back(1e3 * seconds(scan));
    LOOM_CHECK(discovery.opened() == 0, "nothing changed");
  }
  print(cases);
}

}  // namespace
}  // namespace loom::catalog

int main(int argc, char** argv) {
  const std::string_view what = argc >= 3 ? argv[1] : "";
  if (what == "cache") {
    loom::catalog::bench_cache(std::atoi(argv[2]));
  } else if (what == "taxonomy") {
    loom::taxonomy::bench_taxonomy(std::atoi(argv[2]));
  } else if (what == "scan" && argc == 4) {
    loom::catalog::bench_scan(std::atoi(argv[2]), argv[3]);
  } else {
    fmt::print(stderr, "usage: catalogue_bench cache|taxonomy ROUNDS, or scan ROUNDS DATABASE\n");
    return 2;
  }
  return 0;
}
