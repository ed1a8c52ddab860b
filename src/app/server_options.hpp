#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.hpp"

namespace loom::app {

/// The flags of `blastloom serve`.
struct ServerOptions {
  std::filesystem::path data;      ///< --data: where everything is kept
  std::string host = "127.0.0.1";  ///< --listen HOST:PORT
  std::uint16_t port = 8765;       ///< 0: any free one
  std::string db_path;             ///< --db-path: folders of databases, as BLASTDB
  int cores = 0;                   ///< --cores; 0: all
  std::uint64_t memory_bytes = 0;  ///< --memory; 0: what the machine has
  int retention_days = 0;          ///< --retention-days: final jobs go after that; 0: never
  bool coalesce = true;            ///< --no-coalesce
};

/// Errors: invalid_argument, naming the flag.
Result<ServerOptions> parse_server_options(std::span<const std::string> args);
std::string_view server_help();

}  // namespace loom::app
