#include "app/worker_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "app/configuration.hpp"
#include "app/database_stage.hpp"
#include "app/object_storage.hpp"
#include "app/signals.hpp"
#include "base/number.hpp"
#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "exec/slurm/worker.hpp"

namespace loom::app {
namespace {

constexpr std::string_view kHelp =
    R"(usage: blastloom worker --objects files:DIR|azure:CONTAINER [flags] TOKEN

One element of a Slurm array job that `blastloom serve --slurm` submitted; the server writes this command line. Which
element it is stands in SLURM_ARRAY_TASK_ID. Flags are those of `serve`, of which these count: --azure-…,
--slurm-stage and --slurm-stage-size; the environment and --config FILE are read as there. Files go to a private
folder below TMPDIR, which is removed at the end.
)";

Result<std::size_t> element_of_environment() {
  const char* text = std::getenv("SLURM_ARRAY_TASK_ID");
  if (const auto index = number_of<std::size_t>(text == nullptr ? "" : text); index) return *index;
  return error(
      Code::invalid_argument,
      "worker: SLURM_ARRAY_TASK_ID holds no number: it is started by Slurm, as an element of an array job");
}

/// As the server makes them.
Status check_token(const std::string& token) {
  constexpr std::size_t kDigits = 32;
  if (token.size() == kDigits && token.find_first_not_of("0123456789abcdef") == std::string::npos)
    return ok();
  return error(Code::invalid_argument, "worker: a TOKEN has {} hexadecimal digits; the server gives it",
               kDigits);
}

std::string host_name() {
  if (const char* node = std::getenv("SLURMD_NODENAME")) return node;
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "a node";
}

/// "%N" stands for the node's name, as in Slurm's own file names.
std::filesystem::path folder_on(const std::filesystem::path& pattern, const std::string& node) {
  std::string text = pattern.string();
  if (const std::size_t at = text.find("%N"); at != std::string::npos) text.replace(at, 2, node);
  return text;
}

Status work(const ServerOptions& options, const std::string& token) {
  LOOM_CHECKED(check_token(token));
  LOOM_TRY(const std::size_t index, element_of_environment());
  const Signals signals;
  LOOM_TRY(const ObjectStorage objects, join_objects(options));
  LOOM_TRY(const TempDir folder, TempDir::create());
  exec::LocalProcessRunner runner;
  const std::string node = host_name();
  DatabaseStage stage(folder_on(options.slurm.stage, node), options.slurm.stage_bytes);
  const auto adapt = [&](exec::ProcessSpec& spec) -> Status {
    if (options.slurm.stage.empty()) return ok();
    const auto staged = stage.use(spec);
    if (staged) return ok();
    fmt::print(stderr, "blastloom: no copy of the database is used: {}\n", staged.error().message);
    return staged.error();
  };
  LOOM_CHECKED(exec::slurm::run_element(*objects.store, runner,
                                        {.token = token, .index = index, .node = node}, folder.path(),
                                        signals.stop(), adapt));
  return ok();
}

}  // namespace

int worker_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    fmt::print("{}", kHelp);
    return args.empty() ? 1 : 0;
  }
  const auto configuration = configure(args.first(args.size() - 1), take_environment());
  const Status done =
      configuration ? work(configuration->options, args.back()) : Status(configuration.error());
  if (done) return 0;
  fmt::print(stderr, "blastloom: {}\n", done.error().message);
  return 1;
}

}  // namespace loom::app
