#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/log.hpp"
#include "service/job_service.hpp"
#include "service/snapshot_retention.hpp"

namespace loom::app {

/// Tasks as array jobs of a cluster. Empty and 0: as Slurm has it.
struct SlurmOptions {
  bool on = false;  ///< tasks run in Slurm, not here
  std::string partition;
  std::string account;
  std::string qos;
  std::string constraint;
  std::map<std::string, std::string> extra;               ///< more of sbatch's options, without dashes
  std::uint64_t memory_bytes = 0;                         ///< of a task
  int minutes = 0;                                        ///< time limit of a task
  int outstanding = 256;                                  ///< tasks in Slurm at once
  std::filesystem::path stage;                            ///< copies of databases on each node; empty: none
  std::uint64_t stage_bytes = std::uint64_t{100} << 30U;  ///< of them, on each node
  int poll_seconds = 5;                                   ///< between questions to Slurm
};

/// What `blastloom serve` runs with. settings.hpp says what each is, and how it is given.
struct ServerOptions {
  std::filesystem::path data;
  std::string host = "127.0.0.1";
  std::uint16_t port = 8765;  ///< 0: any free one
  bool read_only = false;     ///< beside the server that owns `data`
  std::string mirror;
  std::filesystem::path import_dir;  ///< admins may take in files below it; "": none
  std::string db_path;
  std::string objects;  ///< files:DIR or azure:CONTAINER; "": in data
  std::filesystem::path azure_account_file;
  std::map<std::string, std::string> azure;  ///< the account, by the names of an account file
  bool azure_plain_http = false;
  std::string redis;  ///< "": none
  std::string redis_password;
  int cores = 0;                      ///< 0: all
  std::uint64_t memory_bytes = 0;     ///< 0: what the machine has
  int retention_days = 0;             ///< 0: never
  std::uint64_t retention_bytes = 0;  ///< 0: no limit
  service::SnapshotLimits snapshots;
  std::uint64_t reuse_bytes = std::uint64_t{1} << 30U;  ///< of answers kept; 0: none
  std::map<std::string, double> weights;
  log::Level log_level = log::Level::info;
  bool coalesce = true;
  int streams = 64;
  service::Limits limits;
  SlurmOptions slurm;
};

}  // namespace loom::app
