#pragma once
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "results/hit_index.hpp"
#include "storage/object_store.hpp"
#include "store/job.hpp"

namespace loom::service {

/// How much of hit indexes stays open.
struct HitIndexLimits {
  std::uint64_t bytes = std::uint64_t{4} << 30U;
  /// Each holds a descriptor, or up to 8 where many read it at once; a process has often but 1,024.
  std::size_t open = 200;
};

/// The hit indexes of jobs. Each is made once, on first use, and kept as an object beside the job's output,
/// so that it goes where that goes. Pages are read from a copy in a folder of this server; copies past the
/// limits are dropped, the longest unused first, and those in use when they are no longer. Thread-safe. One
/// thread makes indexes, one after the other: memory and cores stay bounded whatever is asked for.
class HitIndexes {
 public:
  /// How to make the index of a job that has none yet.
  struct Source {
    std::function<Result<std::unique_ptr<storage::ObjectReader>>()> open;  ///< tabular output
    std::optional<results::Layout> layout;
    std::function<void()> done{};  ///< called when the index is kept
  };

  /// `objects` is borrowed. `folder` is of this server alone; what is in it goes. `taxonomy` is that of the
  /// indexes.
  HitIndexes(storage::ObjectStore& objects, std::filesystem::path folder, results::OpenTaxonomy taxonomy,
             HitIndexLimits most = {});
  /// What is being made is given up.
  ~HitIndexes();
  HitIndexes(const HitIndexes&) = delete;
  HitIndexes& operator=(const HitIndexes&) = delete;

  /// The index of `id`, whose object is `key`. Calls for one job share the work. Errors: timed_out past
  /// `deadline`, and the work goes on; those of making it; too_many when 1,000 wait; unavailable at the end.
  Result<std::shared_ptr<results::HitIndex>> get(const store::JobId& id, const storage::ObjectKey& key,
                                                 Source source, Deadline deadline) EXCLUDES(mutex_);
  /// The index if it is open.
  std::shared_ptr<results::HitIndex> find(const store::JobId& id) EXCLUDES(mutex_);
  /// Whoever waits for an index gets unavailable, and what is being made is given up soon. At once.
  void stop() EXCLUDES(mutex_);
  /// The job is removed: its copy goes when nobody reads it any more.
  void forget(const store::JobId& id) EXCLUDES(mutex_);

 private:
  using Opened = Result<std::shared_ptr<results::HitIndex>>;
  struct Entry {
    store::JobId id;
    storage::ObjectKey key;
    Source source;
    std::optional<Opened> outcome{};
    std::uint64_t bytes = 0;
    std::uint64_t used = 0;
  };

  void work(const std::stop_token& stop) EXCLUDES(mutex_);
  Opened make(const Entry& entry, const std::filesystem::path& file, const std::stop_token& stop);
  void drop_unused() REQUIRES(mutex_);

  storage::ObjectStore& objects_;
  const std::filesystem::path folder_;
  const results::OpenTaxonomy taxonomy_;
  const HitIndexLimits most_;
  Mutex mutex_;
  CondVar changed_;
  std::map<store::JobId, std::shared_ptr<Entry>> entries_ GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Entry>> waiting_ GUARDED_BY(mutex_);
  std::uint64_t uses_ GUARDED_BY(mutex_) = 0;
  std::uint64_t files_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::jthread maker_;
};

}  // namespace loom::service
