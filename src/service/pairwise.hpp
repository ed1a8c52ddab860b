#pragma once
#include <cstdint>
#include <filesystem>
#include <semaphore>
#include <span>
#include <stop_token>

#include "base/clock.hpp"
#include "exec/process_runner.hpp"
#include "results/hit_index.hpp"
#include "results/report_reader.hpp"
#include "sched/job_spec.hpp"
#include "storage/object_store.hpp"

namespace loom::service {

using results::PairwiseTexts;

/// What BLAST+'s report (-outfmt 0) prints of chosen HSPs. The engine itself writes it: it searches the
/// internal batches of their queries again, over an alias of just their subjects with the counts of the whole
/// database (doc/exactness.md), and what it prints is compared with the index, by raw score and places. Where
/// that cannot be, or does not agree, the batches are searched over the whole database. Thread-safe; a few at
/// once, others wait.
class PairwiseWriter {
 public:
  /// `runner` is borrowed; `scratch` is a folder for files that nobody sees.
  PairwiseWriter(exec::ProcessRunner& runner, std::filesystem::path scratch)
      : runner_(runner), scratch_(std::move(scratch)) {}

  /// `rows` may be of several queries, each given once. Blocking: on disk and BLAST+. Errors: conflict for
  /// programs that search in rounds, and for searches without a database; those of open_job_database;
  /// timed_out past `deadline`; internal when BLAST+ does not find an HSP again.
  Result<PairwiseTexts> write(const sched::JobSpec& spec, storage::ObjectReader& query,
                              std::span<const results::HspRow> rows, Deadline deadline);

 private:
  static constexpr std::ptrdiff_t kMostAtOnce = 2;

  exec::ProcessRunner& runner_;
  const std::filesystem::path scratch_;
  std::counting_semaphore<kMostAtOnce> free_{kMostAtOnce};
};

}  // namespace loom::service
