// What a hit of the client pool takes, beside a mutex and a map, the rivals in turn: on 1 to 4 threads, and
// on those of 16 submits at once that fan out to 1 and 4 threads each.
#include <benchmark/benchmark.h>

#include <memory>
#include <unordered_map>

#include "base/mutex.hpp"
#include "storage/client_pool.hpp"

namespace loom::storage {
namespace {

struct Client {
  int number = 0;
};
using Pool = ClientPool<Client>;

/// What one would write first.
class MutexPool {
 public:
  std::shared_ptr<Client> acquire(const ClientKey& key) {
    const MutexLock lock(mutex_);
    auto& client = clients_[key.text()];
    if (!client) client = std::make_shared<Client>();
    return client;
  }

 private:
  Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Client>> clients_ GUARDED_BY(mutex_);
};

const ClientKey& key() {
  static const ClientKey one(
      "https://loomresults.blob.core.windows.net W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  return one;
}

void pool_hit(benchmark::State& state) {
  static Pool pool;
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(pool.acquire(key(), [] { return std::make_shared<Client>(); }));
}

void mutex_hit(benchmark::State& state) {
  static MutexPool pool;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(pool.acquire(key()));
}

BENCHMARK(pool_hit)->ThreadRange(1, 4)->Threads(16)->Threads(64)->UseRealTime();
BENCHMARK(mutex_hit)->ThreadRange(1, 4)->Threads(16)->Threads(64)->UseRealTime();

}  // namespace
}  // namespace loom::storage

BENCHMARK_MAIN();
