#pragma once
#include <filesystem>
#include <memory>

#include "exec/process_runner.hpp"
#include "service/databases.hpp"
#include "service/job_service.hpp"
#include "service/organisms.hpp"
#include "service/sequences.hpp"

namespace loom::service {

/// What a JobService stands on; all borrowed.
struct LocalJobsParts {
  store::JobStore& store;
  storage::ObjectStore& objects;
  sched::Scheduler& scheduler;
  exec::ProcessRunner& runner;
  SequenceReader& reader;
  DatabaseList& databases;
  Organisms& organisms;
  Limits limits{};
  std::filesystem::path uploads;  ///< a folder of this server alone
  std::filesystem::path hits;     ///< another one, for copies of hit indexes
  int cores = 1;
  std::uint64_t memory_bytes = 0;
  bool engine_threads = true;  ///< as search::Settings has it
};

std::unique_ptr<JobService> make_local_jobs(LocalJobsParts parts);

}  // namespace loom::service
