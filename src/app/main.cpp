#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "app/client_command.hpp"
#include "app/config_command.hpp"
#include "app/db_command.hpp"
#include "app/doctor.hpp"
#include "app/hits_view.hpp"
#include "app/search_command.hpp"
#include "app/serve_command.hpp"
#include "app/signals.hpp"
#include "app/version.hpp"
#include "app/worker_command.hpp"

namespace {

constexpr int kFailed = 255;

constexpr std::string_view kUsage = R"(usage: blastloom COMMAND …

  search PROGRAM [BLAST+ flags]   run a BLAST+ search, cut up over all cores; same flags, same output bytes
  serve --data DIR                run the job service: HTTP API, scheduler, durable jobs
  submit|list|status|watch|wait|results|cancel|retry|explain|delete|import
                                  jobs of a server; 'blastloom submit --help' tells more
  view FILE                       the hits of tabular output or XML: filtered, sorted, exported
  token create|list|remove        tokens of a server
  config                          the settings of a server, and where each comes from
  db build|add|fetch|list|…        databases that a server keeps, in snapshots; 'blastloom db --help' tells more
  doctor                          check BLAST+, databases, memory and disk; prove exactness on a tiny search
  worker                          one task of a server on a node of Slurm; the server starts it
  version

'blastloom search --help' tells more.
)";

int run(std::span<const std::string> args) {
  if (args.empty()) {
    fmt::print(stderr, "{}", kUsage);
    return 1;
  }
  const std::string& command = args[0];
  const auto rest = args.subspan(1);
  if (command == "search") return loom::app::search_command(rest);
  if (command == "serve") return loom::app::serve_command(rest);
  if (command == "config") return loom::app::config_command(rest);
  if (command == "worker") return loom::app::worker_command(rest);
  if (command == "db") return loom::app::db_command(rest);
  if (command == "view") return loom::app::view_command(rest);
  if (command == "token") return loom::app::token_command(rest);
  if (loom::app::is_client_command(command)) return loom::app::client_command(command, rest);
  if (command == "doctor") return loom::app::doctor_command(rest);
  if (command == "version" || command == "--version") {
    fmt::print("blastloom {}\n", loom::app::kVersion);
    return 0;
  }
  if (command == "help" || command == "--help" || command == "-h") {
    fmt::print("{}", kUsage);
    return 0;
  }
  fmt::print(stderr, "blastloom: unknown command '{}'\n{}", command, kUsage);
  return 1;
}

/// What was printed may still be in memory, and be lost on a full disk.
int finish(int exit_code) {
  const bool whole = std::ferror(stdout) == 0;
  const int failed = std::fflush(stdout) == 0 ? 0 : errno;
  if (whole && failed == 0) return exit_code;
  if (loom::app::Signals::reader_gone()) return loom::app::Signals::exit_by(SIGPIPE);
  fmt::print(stderr, "blastloom: standard output could not be written whole{}{}\n", failed != 0 ? ": " : "",
             failed != 0 ? std::generic_category().message(failed) : "");
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> args(argv + 1, argv + argc);
    return finish(run(args));
  } catch (const std::exception& e) {
    fmt::print(stderr, "blastloom: {}\n", e.what());
    return kFailed;
  }
}
