#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "blast/program.hpp"
#include "sequence/query_map.hpp"

namespace loom::plan {

/// What is searched, as far as the plan depends on it.
struct Workload {
  blast::Program program = blast::Program::blastp;
  std::string task;                    ///< -task, or empty
  std::vector<sequence::Unit> units;   ///< never empty
  std::uint64_t database_letters = 0;  ///< 0: unknown
  std::uint64_t database_bytes = 0;    ///< of the sequence files that a search reads; 0: unknown
  std::uint64_t database_sequences = 0;
  std::string one_piece_because;       ///< not empty: queries must not be cut apart
  std::string whole_database_because;  ///< not empty: the database must not be cut
  bool threads_allowed = true;         ///< the engine may use several threads in one process
};

/// What there is to run on, and what the user asked for.
struct Resources {
  int workers = 1;                                  ///< cores to use in all, at least 1
  std::uint64_t memory_bytes = 0;                   ///< for all workers together, if on_one_machine
  bool on_one_machine = true;                       ///< else each worker has memory_bytes
  std::optional<int> shards = {};                   ///< --shards
  std::optional<std::uint64_t> batch_letters = {};  ///< --batch-letters: letters per task
};

/// One run of the engine over some queries and the whole database, or a part of it.
struct Task {
  std::size_t first_unit = 0;
  std::size_t last_unit = 0;  ///< one behind
  int threads = 1;            ///< slots it takes while it runs
  double seconds = 0;         ///< predicted CPU
};

/// Queries × database, cut. `searches` are started in this order, which is that of their queries, and so are
/// their outputs put together. With more than one shard every search has a scout per shard, which finds the
/// subjects that matter; the search itself then looks at those alone (doc/exactness.md). All scouts of a
/// shard run before those of the next, and all scouts before the searches.
struct Plan {
  int workers = 1;
  int shards = 1;
  std::vector<Task> searches;
  double seconds = 0;                ///< predicted wall
  std::vector<std::string> reasons;  ///< why it is as it is, one sentence each
};

/// Predicted CPU seconds of one engine process: start, one pass over the database per internal batch, and
/// work in proportion to query letters × database letters. Constants measured with BLAST+ 2.12
/// (bench/search.py); good to a factor of about three, which is enough to choose sizes: progress learns the
/// true rate as it goes.
double predicted_seconds(const Workload& work, std::uint64_t letters, std::uint64_t batches,
                         double database_share);

/// The plan for `work` on `resources`. Pure.
Plan make_plan(const Workload& work, const Resources& resources);

}  // namespace loom::plan
