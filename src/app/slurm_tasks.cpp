#include "app/slurm_tasks.hpp"

#include <filesystem>

#include "app/database_part.hpp"
#include "app/object_storage.hpp"
#include "base/folder.hpp"
#include "base/log.hpp"
#include "exec/slurm/left_tasks.hpp"

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

/// Of all jobs of a data folder in Slurm.
Result<std::string> job_name(const ServerOptions& options) {
  constexpr std::size_t kLetters = 12;
  LOOM_TRY(const std::string id, data_id(options.data));
  return "blastloom-" + id.substr(0, kLetters);
}

fs::path scratch_folder(const ServerOptions& options) {
  return options.data / "slurm";
}

Status end_left(const ServerOptions& options, storage::ObjectStore& objects, exec::ProcessRunner& here) {
  LOOM_TRY(const std::string name, job_name(options));
  LOOM_TRY(const auto left, exec::slurm::end_left_tasks(objects, here, name, scratch_folder(options)));
  if (left.untold)
    log::write(log::Level::warning, "slurm.left",
               {{"arrays", left.arrays},
                {"reason", left.untold->message},
                {"help", fmt::format("tasks of an earlier run with --slurm may still run: end them with "
                                     "'scancel --name={}' on a machine with Slurm's commands",
                                     name)}});
  else if (left.arrays > 0)
    log::write(log::Level::info, "slurm.ended", {{"arrays", left.arrays}, {"elements", left.ended}});
  return ok();
}

}  // namespace

void end_left_slurm_tasks(const ServerOptions& options, storage::ObjectStore& objects,
                          exec::ProcessRunner& here) {
  if (std::error_code unknown; !fs::exists(scratch_folder(options), unknown)) return;
  if (const Status ended = end_left(options, objects, here); !ended)
    log::write(log::Level::warning, "slurm.left", {{"reason", ended.error().message}});
}

Result<std::unique_ptr<exec::slurm::SlurmRunner>> open_slurm(const ServerOptions& options,
                                                             storage::ObjectStore& objects,
                                                             exec::ProcessRunner& here) {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return system_error(failed.value(), "find our own program");
  const fs::path scratch = scratch_folder(options);
  LOOM_CHECKED(make_folders(scratch));
  LOOM_TRY(std::string name, job_name(options));
  const SlurmOptions& slurm = options.slurm;
  const auto poll = std::chrono::seconds(slurm.poll_seconds);
  auto runner = exec::slurm::SlurmRunner::start(objects, here,
                                                {.name = std::move(name),
                                                 .worker = worker_argv(options, program),
                                                 .part_of = part_name,
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

sched::LateMetrics late_metrics(exec::slurm::SlurmRunner& slurm) {
  return [&slurm](const sched::CountLate& count) {
    return slurm.account([&](const exec::slurm::LateUse& use) {
      using exec::slurm::Counted;
      const auto job = store::JobId::parse(fs::path(use.folder).filename().string());
      if (!job) return Counted::yes;  // several jobs rode together: it is nobody's alone
      const auto counted = count(*job, {.cpu_seconds = seconds_of(use.cpu),
                                        .wall_seconds = seconds_of(use.wall),
                                        .peak_bytes = use.peak_bytes});
      return counted == sched::Late::done ? Counted::yes : Counted::not_yet;
    });
  };
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
  add("blastloom_slurm_accounted_total", "counter",
      "Of those lost, tasks whose use Slurm's accounting told later.", counts.accounted);
  add("blastloom_slurm_outstanding", "gauge", "Tasks in Slurm.", counts.outstanding);
  add("blastloom_slurm_up", "gauge", "Whether Slurm's controller answers.", counts.unreachable ? 0 : 1);
  return text;
}

}  // namespace loom::app
