#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "service/snapshot_retention.hpp"

namespace loom::app {

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
  service::SnapshotLimits snapshots;         ///< --keep-snapshots, --keep-snapshots-days
  std::filesystem::path import_dir;          ///< --import-dir: admins may take in files below it; "": none
  std::uint64_t reuse_bytes = std::uint64_t{1} << 30U;  ///< --reuse-size: of answers kept; 0: none
  std::map<std::string, double> weights;                ///< --weight OWNER=N: shares of the cores
  log::Level log_level = log::Level::info;              ///< --log-level
  bool coalesce = true;                                 ///< --no-coalesce
};

/// Errors: invalid_argument, naming the flag.
Result<ServerOptions> parse_server_options(std::span<const std::string> args);
std::string_view server_help();

}  // namespace loom::app
