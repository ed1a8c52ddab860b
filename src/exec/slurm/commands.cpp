#include "exec/slurm/commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>

#include "base/atomic_file.hpp"

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kComment = "loom:";
/// Slurm's default, for a controller that does not tell.
constexpr std::size_t kUsualMost = 1001;

/// The controller is away, or so busy that it is not known whether it took the request.
bool is_silence(std::string_view said) {
  constexpr std::array<std::string_view, 8> kSigns{"Unable to contact slurm controller",
                                                   "Socket timed out",
                                                   "Zero Bytes were transmitted",
                                                   "Connection refused",
                                                   "Connection reset",
                                                   "temporarily unable to accept",
                                                   "Transport endpoint",
                                                   "Communication connection failure"};
  return std::ranges::any_of(kSigns, [&](auto sign) { return said.find(sign) != std::string_view::npos; });
}

/// It takes no more now, but may later.
bool is_limit(std::string_view said) {
  return said.find("SubmitJob") != std::string_view::npos ||
         said.find("submit limit") != std::string_view::npos ||
         said.find("Resource temporarily unavailable") != std::string_view::npos ||
         said.find("job count limit") != std::string_view::npos;
}

Code code_of(std::string_view said) {
  return is_silence(said) ? Code::unavailable : is_limit(said) ? Code::too_many : Code::invalid_argument;
}

std::string_view first_line(std::string_view text) {
  while (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  return text.substr(0, text.find('\n'));
}

std::string shell_word(std::string_view word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
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

std::vector<std::string_view> split(std::string_view line, std::size_t fields) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < fields) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) return {};
    parts.push_back(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  parts.push_back(line);
  return parts;
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
  if (!ran && ran.error().code == Code::not_found)
    return error(Code::not_found, "{}: not found; are Slurm's client programs installed here, and in PATH?",
                 command);
  if (!ran) return ran.error().at(command);
  if (ran->succeeded()) return text;
  const std::string_view said = first_line(ran->stderr_text);
  return error(code_of(ran->stderr_text), "{}",
               said.empty() ? fmt::format("{}: exit code {}", command, ran->exit_code) : std::string(said));
}

Status Commands::submit(const ArrayRequest& request) {
  const fs::path script = scratch_ / (request.token + ".sh");
  {
    LOOM_TRY(AtomicFile file, AtomicFile::create(script));
    LOOM_CHECKED(file.write(script_of(request)));
    LOOM_CHECKED(file.commit());
  }
  std::vector<std::string> argv = {"env", "-i"};
  const auto environment = submit_environment();
  argv.insert(argv.end(), environment.begin(), environment.end());
  // We send a lost one again ourselves: Slurm would hold it back for two minutes.
  argv.insert(argv.end(), {"sbatch", "--parsable", "--no-requeue", "--job-name=" + name_,
                           fmt::format("--comment={}{}", kComment, request.token),
                           fmt::format("--array=0-{}", request.elements - 1), "--nodes=1", "--ntasks=1",
                           fmt::format("--cpus-per-task={}", request.threads), "--input=/dev/null",
                           "--chdir=/", "--output=/dev/null"});
  constexpr std::uint64_t kMega = std::uint64_t{1} << 20U;
  if (request.memory_bytes > 0)
    argv.push_back(fmt::format("--mem={}M", (request.memory_bytes + kMega - 1) / kMega));
  if (request.minutes > 0) argv.push_back(fmt::format("--time={}", request.minutes));
  for (const auto& [flag, value] : {std::pair{"--partition=", &site_.partition},
                                    {"--account=", &site_.account},
                                    {"--qos=", &site_.qos},
                                    {"--constraint=", &site_.constraint}})
    if (!value->empty()) argv.push_back(flag + *value);
  argv.insert(argv.end(), site_.extra.begin(), site_.extra.end());
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

Elements parse_elements(std::string_view text) {
  constexpr std::size_t kFields = 5;
  Elements elements;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const auto parts = split(text.substr(0, end), kFields);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (parts.empty() || !parts[4].starts_with(kComment)) continue;
    const std::size_t bar = parts[0].find('_');
    if (bar == std::string_view::npos) continue;
    std::size_t index = 0;
    const std::string_view number = parts[0].substr(bar + 1);
    if (std::from_chars(number.data(), number.data() + number.size(), index).ec != std::errc{}) continue;
    elements[{std::string(parts[4].substr(kComment.size())), index}] = {.slurm_id = std::string(parts[0]),
                                                                        .state = std::string(parts[1]),
                                                                        .nodes = std::string(parts[2]),
                                                                        .reason = std::string(parts[3])};
  }
  return elements;
}

Status Commands::cancel(const std::vector<std::string>& slurm_ids) {
  constexpr std::size_t kAtOnce = 200;
  for (std::size_t at = 0; at < slurm_ids.size(); at += kAtOnce) {
    std::vector<std::string> argv{"scancel", "--quiet"};
    const auto first = slurm_ids.begin() + static_cast<std::ptrdiff_t>(at);
    argv.insert(argv.end(), first,
                first + static_cast<std::ptrdiff_t>(std::min(kAtOnce, slurm_ids.size() - at)));
    const auto ran = run(std::move(argv));
    if (!ran && ran.error().code != Code::invalid_argument) return ran.error();
  }
  return ok();
}

Result<std::size_t> Commands::most_elements() {
  LOOM_TRY(const std::string text, run({"scontrol", "show", "config"}));
  const std::size_t at = text.find("MaxArraySize");
  if (at == std::string::npos) return kUsualMost;
  const std::size_t digits = text.find_first_of("0123456789", at);
  std::size_t most = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), most);
  return std::max<std::size_t>(most, 1);
}

}  // namespace loom::exec::slurm
