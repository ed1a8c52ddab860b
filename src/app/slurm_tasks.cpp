#include "app/slurm_tasks.hpp"

#include <filesystem>

#include "app/object_storage.hpp"

namespace loom::app {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> worker_argv(const ServerOptions& options, const fs::path& program) {
  std::vector<std::string> argv{program.string(), "worker", "--objects"};
  if (options.objects.starts_with("azure:")) {
    argv.push_back(options.objects);
    if (!options.azure_account_file.empty())
      argv.insert(argv.end(), {"--azure-account-file", fs::absolute(options.azure_account_file).string()});
    if (options.azure_plain_http) argv.emplace_back("--azure-plain-http");
  } else {
    const fs::path folder =
        options.objects.empty() ? options.data / "objects" : fs::path(options.objects.substr(6));
    argv.push_back("files:" + fs::absolute(folder).lexically_normal().string());
  }
  if (!options.slurm.stage.empty())
    argv.insert(argv.end(), {"--slurm-stage", options.slurm.stage.string(), "--slurm-stage-size",
                             fmt::to_string(options.slurm.stage_bytes)});
  return argv;
}

std::vector<std::string> more_of(const SlurmOptions& slurm) {
  std::vector<std::string> argv;
  for (const auto& [name, value] : slurm.extra)
    argv.push_back(value.empty() ? "--" + name : fmt::format("--{}={}", name, value));
  return argv;
}

}  // namespace

Result<std::unique_ptr<exec::slurm::SlurmRunner>> open_slurm(const ServerOptions& options,
                                                             storage::ObjectStore& objects,
                                                             exec::ProcessRunner& here) {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return system_error(failed.value(), "find our own program");
  const fs::path scratch = options.data / "slurm";
  fs::create_directories(scratch, failed);
  if (failed) return system_error(failed.value(), "make folder " + scratch.string());
  LOOM_TRY(const std::string id, data_id(options.data));
  constexpr std::size_t kNameLetters = 12;
  const SlurmOptions& slurm = options.slurm;
  const auto poll = std::chrono::seconds(slurm.poll_seconds);
  auto runner = exec::slurm::SlurmRunner::start(objects, here,
                                                {.name = "blastloom-" + id.substr(0, kNameLetters),
                                                 .worker = worker_argv(options, program),
                                                 .site = {.partition = slurm.partition,
                                                          .account = slurm.account,
                                                          .qos = slurm.qos,
                                                          .constraint = slurm.constraint,
                                                          .extra = more_of(slurm)},
                                                 .memory_bytes = slurm.memory_bytes,
                                                 .minutes = slurm.minutes,
                                                 .most_outstanding = slurm.outstanding,
                                                 .ask = poll,
                                                 .settle = 3 * poll},
                                                scratch);
  if (!runner) return runner.error().at("--slurm");
  return runner;
}

std::string metrics_text(const exec::slurm::Counts& counts) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                           std::uint64_t value) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
  };
  add("blastloom_slurm_arrays_total", "counter", "Array jobs that were submitted to Slurm.", counts.arrays);
  add("blastloom_slurm_tasks_total", "counter",
      "Tasks that were submitted to Slurm, another try counted again.", counts.tasks);
  add("blastloom_slurm_lost_total", "counter", "Tasks that ended in Slurm without a word.", counts.lost);
  add("blastloom_slurm_grown_total", "counter", "Tasks that were submitted again with more memory or time.",
      counts.grown);
  add("blastloom_slurm_adopted_total", "counter",
      "Tasks of an earlier run of the server that this one went on with.", counts.adopted);
  add("blastloom_slurm_outstanding", "gauge", "Tasks in Slurm.", counts.outstanding);
  add("blastloom_slurm_up", "gauge", "Whether Slurm's controller answers.", counts.unreachable ? 0 : 1);
  return text;
}

}  // namespace loom::app
