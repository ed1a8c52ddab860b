#include "app/worker_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "app/database_stage.hpp"
#include "app/object_storage.hpp"
#include "app/own_flags.hpp"
#include "app/signals.hpp"
#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "exec/slurm/worker.hpp"

namespace loom::app {
namespace {

constexpr std::string_view kHelp =
    R"(usage: blastloom worker --objects files:DIR|azure:CONTAINER [--azure-account-file FILE] [--azure-plain-http]
                        [--stage DIR --stage-size SIZE] TOKEN

One element of a Slurm array job that `blastloom serve --slurm` submitted; the server writes this command line. Which
element it is stands in SLURM_ARRAY_TASK_ID. The account of Azure comes from the file, or from the same variables as
the server's. With --stage databases are copied to DIR on this machine, at most SIZE of them, and read there. Files go to a private folder below TMPDIR, which is removed at the end.
)";

struct WorkerOptions {
  ServerOptions storage;
  std::filesystem::path stage;  ///< empty: databases are read where they lie
  std::uint64_t stage_bytes = 0;
  std::string token;
};

Result<WorkerOptions> parse(std::span<const std::string> args) {
  WorkerOptions options;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const bool more = i + 1 < args.size();
    if (args[i] == "--objects" && more) {
      options.storage.objects = args[++i];
    } else if (args[i] == "--azure-account-file" && more) {
      options.storage.azure_account_file = args[++i];
    } else if (args[i] == "--azure-plain-http") {
      options.storage.azure_plain_http = true;
    } else if (args[i] == "--stage" && more) {
      options.stage = args[++i];
    } else if (args[i] == "--stage-size" && more) {
      LOOM_TRY(options.stage_bytes, parse_bytes(args[++i]));
    } else if (!args[i].starts_with("-") && options.token.empty()) {
      options.token = args[i];
    } else {
      return error(Code::invalid_argument, "worker: '{}' is not understood; see blastloom worker --help",
                   args[i]);
    }
  }
  if (options.token.empty())
    return error(Code::invalid_argument, "worker: the array's token is needed; see blastloom worker --help");
  return options;
}

Result<std::size_t> element_of_environment() {
  const char* text = std::getenv("SLURM_ARRAY_TASK_ID");
  std::size_t index = 0;
  if (text != nullptr && std::from_chars(text, text + std::strlen(text), index).ec == std::errc{})
    return index;
  return error(
      Code::invalid_argument,
      "worker: SLURM_ARRAY_TASK_ID is not set: it is started by Slurm, as an element of an array job");
}

std::string host_name() {
  if (const char* node = std::getenv("SLURMD_NODENAME")) return node;
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "a node";
}

Status work(const WorkerOptions& options) {
  LOOM_TRY(const std::size_t index, element_of_environment());
  const Signals signals;
  LOOM_TRY(const ObjectStorage objects, join_objects(options.storage));
  LOOM_TRY(const TempDir folder, TempDir::create());
  exec::LocalProcessRunner runner;
  DatabaseStage stage(options.stage, options.stage_bytes);
  const auto adapt = [&](exec::ProcessSpec& spec) {
    if (options.stage.empty()) return;
    if (const Status staged = stage.use(spec); !staged)
      fmt::print(stderr, "blastloom: no copy of the database is used: {}\n", staged.error().message);
  };
  LOOM_CHECKED(exec::slurm::run_element(*objects.store, runner,
                                        {.token = options.token, .index = index, .node = host_name()},
                                        folder.path(), signals.stop(), adapt));
  return ok();
}

}  // namespace

int worker_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    fmt::print("{}", kHelp);
    return args.empty() ? 1 : 0;
  }
  const auto options = parse(args);
  const Status done = options ? work(*options) : Status(options.error());
  if (done) return 0;
  fmt::print(stderr, "blastloom: {}\n", done.error().message);
  return 1;
}

}  // namespace loom::app
