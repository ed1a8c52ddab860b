#include "exec/slurm/commands.hpp"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <span>

#include "base/atomic_file.hpp"
#include "base/text.hpp"

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;

/// Slurm's default, for a controller that does not tell.
constexpr std::size_t kUsualMost = 1001;

/// The controller is away, or so busy that it is not known whether it took the request.
bool is_silence(std::string_view said) {
  constexpr std::array<std::string_view, 7> kSigns{"Unable to contact slurm controller",
                                                   "Socket timed out",
                                                   "Zero Bytes were transmitted",
                                                   "Connection refused",
                                                   "Connection reset",
                                                   "Transport endpoint",
                                                   "Communication connection failure"};
  return std::ranges::any_of(kSigns, [&](auto sign) { return said.find(sign) != std::string_view::npos; });
}

/// It takes no more now, but may later.
bool is_limit(std::string_view said) {
  constexpr std::array<std::string_view, 7> kSigns{"SubmitJob",
                                                   "submit limit",
                                                   "job count limit",
                                                   "Resource temporarily unavailable",
                                                   "temporarily unable",
                                                   "Required partition not available",  // drained or inactive
                                                   "I/O error writing script"};
  return std::ranges::any_of(kSigns, [&](auto sign) { return said.find(sign) != std::string_view::npos; });
}

Code code_of(std::string_view said) {
  return is_silence(said) ? Code::unavailable : is_limit(said) ? Code::too_many : Code::invalid_argument;
}

std::string_view first_line(std::string_view text) {
  while (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  return text.substr(0, text.find('\n'));
}

std::string script_of(const ArrayRequest& request) {
  std::string text = "#!/bin/sh\nexec";
  for (const std::string& word : request.worker) text += " " + shell_word(word);
  return text + " " + shell_word(request.token) + "\n";
}

/// What sbatch needs of our environment. It sends all of its own along, where the controller keeps it; and a
/// list of names (--export) makes Slurm start a login shell on the node instead.
std::vector<std::string> submit_environment() {
  constexpr std::array<std::string_view, 9> kWanted{
      "PATH=", "HOME=", "USER=", "LOGNAME=", "LANG=", "LC_", "SLURM_", "SBATCH_", "MUNGE_"};
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (std::ranges::any_of(kWanted, [&](auto name) { return text.starts_with(name); }))
      all.emplace_back(text);
  }
  return all;
}

}  // namespace

Commands::Commands(ProcessRunner& runner, std::string name, Site site, fs::path scratch, Duration patience)
    : runner_(runner),
      name_(std::move(name)),
      site_(std::move(site)),
      scratch_(std::move(scratch)),
      patience_(patience) {}

Result<std::string> Commands::run(std::vector<std::string> argv) {
  const std::string command = argv.front() == "env" ? "sbatch" : argv.front();
  static std::atomic<std::uint64_t> number = 0;
  const fs::path out = scratch_ / fmt::format("{}-{}.out", command, ++number);
  ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.output = out;
  const auto ran = runner_.run(spec, Deadline::in(patience_), {});
  std::ifstream file(out, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::error_code ignored;
  fs::remove(out, ignored);
  if (!ran && ran.error().code == Code::timed_out)
    return error(Code::unavailable, "{}: no answer from Slurm", command);
  constexpr int kEnvFoundNone = 127;
  if (ran ? ran->exit_code == kEnvFoundNone : ran.error().code == Code::not_found)
    return error(Code::not_found, "{}: not found; are Slurm's client programs installed here, and in PATH?",
                 command);
  if (!ran) return ran.error().at(command);
  if (ran->succeeded()) return text;
  const std::string_view said = first_line(ran->stderr_text);
  return error(code_of(ran->stderr_text), "{}",
               said.empty() ? fmt::format("{}: exit code {}", command, ran->exit_code) : std::string(said));
}

Status Commands::check() {
  for (const char* command : {"sbatch", "squeue", "scancel", "scontrol"})
    LOOM_CHECKED(run({command, "--version"}));
  std::string_view rest = site_.partition;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string name(rest.substr(0, comma));
    const auto shown = run({"scontrol", "show", "partition", name});
    if (!shown && shown.error().code == Code::invalid_argument)
      return error(Code::invalid_argument, "Slurm knows no partition '{}'", name);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return ok();
}

Status Commands::submit(const ArrayRequest& request) {
  const fs::path script = scratch_ / (request.token + ".sh");
  {
    LOOM_TRY(AtomicFile file, AtomicFile::create(script));
    LOOM_CHECKED(file.write(script_of(request)));
    LOOM_CHECKED(file.commit());
  }
  // What is in front of the site's own options they may change, what is behind them they may not.
  std::vector<std::string> argv = {"env", "-i"};
  const auto environment = submit_environment();
  argv.insert(argv.end(), environment.begin(), environment.end());
  argv.insert(argv.end(),
              {"sbatch", fmt::format("--cpus-per-task={}", request.threads), "--output=/dev/null"});
  argv.insert(argv.end(), site_.extra.begin(), site_.extra.end());
  // We send a lost one again ourselves: Slurm would hold it back for two minutes.
  argv.insert(argv.end(), {"--parsable", "--no-requeue", "--job-name=" + name_,
                           fmt::format("--comment={}{}", kComment, request.token),
                           fmt::format("--array=0-{}", request.elements - 1), "--nodes=1", "--ntasks=1",
                           "--input=/dev/null", "--chdir=/"});
  constexpr std::uint64_t kMega = std::uint64_t{1} << 20U;
  if (request.memory_bytes > 0)
    argv.push_back(fmt::format("--mem={}M", (request.memory_bytes + kMega - 1) / kMega));
  if (request.minutes > 0) argv.push_back(fmt::format("--time={}", request.minutes));
  for (const auto& [flag, value] : {std::pair{"--partition=", &site_.partition},
                                    {"--account=", &site_.account},
                                    {"--qos=", &site_.qos},
                                    {"--constraint=", &site_.constraint}})
    if (!value->empty()) argv.push_back(flag + *value);
  argv.push_back(script.string());
  const auto ran = run(std::move(argv));
  std::error_code ignored;
  fs::remove(script, ignored);
  if (!ran) return ran.error();
  return ok();
}

Result<Elements> Commands::elements() {
  LOOM_TRY(const std::string text, run({"squeue", "--noheader", "--array", "--states=all", "--name=" + name_,
                                        "--format=%i|%T|%N|%r|%k"}));
  return parse_elements(text);
}

/// `command` of slices of `slurm_ids`. What it refuses is no error: an element may be over meanwhile.
template <class Command>
Status Commands::in_slices(const std::vector<std::string>& slurm_ids, const Command& command) {
  constexpr std::size_t kAtOnce = 200;
  for (std::size_t at = 0; at < slurm_ids.size(); at += kAtOnce) {
    const std::span slice = std::span(slurm_ids).subspan(at, std::min(kAtOnce, slurm_ids.size() - at));
    const auto ran = run(command(slice));
    if (!ran && ran.error().code != Code::invalid_argument) return ran.error();
  }
  return ok();
}

Status Commands::cancel(const std::vector<std::string>& slurm_ids) {
  return in_slices(slurm_ids, [](std::span<const std::string> slice) {
    std::vector<std::string> argv{"scancel", "--quiet"};
    argv.insert(argv.end(), slice.begin(), slice.end());
    return argv;
  });
}

Status Commands::start_now(const std::vector<std::string>& slurm_ids) {
  return in_slices(slurm_ids, [](std::span<const std::string> slice) {
    return std::vector<std::string>{"scontrol", "update", fmt::format("JobId={}", fmt::join(slice, ",")),
                                    "StartTime=now"};
  });
}

Result<ClusterConfig> Commands::config() {
  LOOM_TRY(const std::string text, run({"scontrol", "show", "config"}));
  const auto value = [&](std::string_view name) {
    std::string_view rest(text);
    const std::size_t at = rest.find(name);
    if (at == std::string_view::npos) return std::string_view();
    rest.remove_prefix(rest.find('=', at) + 1);
    rest = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    return rest;
  };
  ClusterConfig config{.most_elements = kUsualMost};
  if (const auto most = value("MaxArraySize"); !most.empty()) {
    config.most_elements = 0;
    std::from_chars(most.data(), most.data() + most.size(), config.most_elements);
    config.most_elements = std::max<std::size_t>(config.most_elements, 1);
  }
  const std::string_view storage = value("AccountingStorageType");
  config.accounting =
      storage.starts_with("accounting_storage/") && !storage.starts_with("accounting_storage/none");
  return config;
}

Result<Accounts> Commands::accounts(const std::vector<std::string>& slurm_ids) {
  // A number may be that of two jobs (see above): both are asked for, and told apart by their tokens.
  LOOM_TRY(const std::string text,
           run({"sacct", "--noheader", "--parsable2", "--duplicates", "--noconvert",
                fmt::format("--jobs={}", fmt::join(slurm_ids, ",")),
                "--format=JobID,State,ExitCode,ElapsedRaw,TotalCPU,MaxRSS,NodeList,Comment,SubmitLine"}));
  return parse_accounts(text);
}

}  // namespace loom::exec::slurm
