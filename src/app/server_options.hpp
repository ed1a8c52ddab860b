#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace loom::app {

/// --slurm and what follows it: tasks run as array jobs of a cluster. Empty and 0: as Slurm has it.
struct SlurmOptions {
  std::string partition;           ///< --slurm-partition
  std::string account;             ///< --slurm-account
  std::string qos;                 ///< --slurm-qos
  std::string constraint;          ///< --slurm-constraint
  std::vector<std::string> extra;  ///< --slurm-option, each one more argument of sbatch
  std::uint64_t memory_bytes = 0;  ///< --slurm-memory: of a task
  int minutes = 0;                 ///< --slurm-minutes: time limit of a task
  int outstanding = 256;           ///< --slurm-outstanding: tasks in Slurm at once
  std::filesystem::path stage;     ///< --slurm-stage: copies of databases on each node; empty: none
  std::uint64_t stage_bytes = std::uint64_t{100} << 30U;  ///< --slurm-stage-size
  int poll_seconds = 5;                                   ///< --slurm-poll: between questions to Slurm
};

/// The flags of `blastloom serve`.
struct ServerOptions {
  std::filesystem::path data;                ///< --data: where everything is kept
  std::string host = "127.0.0.1";            ///< --listen HOST:PORT
  std::uint16_t port = 8765;                 ///< 0: any free one
  std::string mirror;                        ///< --mirror: where databases are fetched from
  std::string db_path;                       ///< --db-path: folders of databases, as BLASTDB
  std::string objects;                       ///< --objects files:DIR or azure:CONTAINER; "": in data
  std::filesystem::path azure_account_file;  ///< --azure-account-file; "": the environment
  bool azure_plain_http = false;             ///< --azure-plain-http
  std::string redis;                         ///< --redis redis://HOST[:PORT][/DB] or unix:/PATH; "": none
  int cores = 0;                             ///< --cores; 0: all
  std::uint64_t memory_bytes = 0;            ///< --memory; 0: what the machine has
  int retention_days = 0;                    ///< --retention-days: final jobs go after that; 0: never
  std::uint64_t retention_bytes = 0;         ///< --retention-size: all results together; 0: no limit
  std::uint64_t reuse_bytes = std::uint64_t{1} << 30U;  ///< --reuse-size: of answers kept; 0: none
  std::map<std::string, double> weights;                ///< --weight OWNER=N: shares of the cores
  log::Level log_level = log::Level::info;              ///< --log-level
  bool coalesce = true;                                 ///< --no-coalesce
  std::optional<SlurmOptions> slurm;  ///< tasks run in Slurm, not here
};

/// Errors: invalid_argument, naming the flag.
Result<ServerOptions> parse_server_options(std::span<const std::string> args);
std::string_view server_help();

}  // namespace loom::app
