#include "testkit/fake_slurm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>
#include <variant>

namespace loom::testkit {
namespace {

using exec::ProcessOutcome;
using exec::ProcessSpec;

std::string after(const std::vector<std::string>& argv, std::string_view flag) {
  for (const std::string& word : argv)
    if (word.starts_with(flag)) return word.substr(flag.size());
  return {};
}

ProcessOutcome says(int exit_code, std::string words) {
  return {.exit_code = exit_code, .stderr_text = std::move(words)};
}

}  // namespace

Result<ProcessOutcome> FakeSlurm::run(const ProcessSpec& spec) {
  const MutexLock lock(mutex_);
  // sbatch gets an environment of its own, by env.
  const std::string command = spec.argv.front() == "env" ? "sbatch" : spec.argv.front();
  if (command == missing_) return error(Code::not_found, "{} is not in PATH", command);
  if (spec.argv.back() == "--version") return says(0, "");
  if (down_) return says(1, "Unable to contact slurm controller (connect failure)\n");
  std::string text;
  if (command == "sbatch") {
    if (!refusal_.empty()) return says(1, refusal_);
    const std::string token = after(spec.argv, "--comment=loom:");
    const int last = std::stoi(after(spec.argv, "--array=0-"));
    ++arrays_;
    for (int i = 0; i <= last && !swallow_; ++i)
      rows_.push_back({token, fmt::format("{}_{}", next_id_, i), "PENDING", after(spec.argv, "--mem="),
                       after(spec.argv, "--time=")});
    ++next_id_;
  } else if (command == "scontrol" && spec.argv.at(2) == "partition") {
    if (spec.argv.back() != "main") return says(1, "");
  } else if (command == "scontrol" && spec.argv.at(1) == "update") {
    const std::string ids = "," + after(spec.argv, "JobId=") + ",";
    for (Row& row : rows_)
      if (ids.find("," + row.id + ",") != std::string::npos) row.reason = "None";
  } else if (command == "scontrol") {
    text = "AccountingStorageType   = accounting_storage/slurmdbd\nMaxArraySize            = 4\n";
  } else if (command == "sacct") {
    text = accounts_;
  } else if (command == "scancel") {
    for (Row& row : rows_)
      if (std::ranges::find(spec.argv, row.id) != spec.argv.end()) row.state = "CANCELLED";
  } else {
    for (const Row& row : rows_)
      text += fmt::format("{}|{}|n1|{}|loom:{}\n", row.id, row.state, row.reason, row.token);
  }
  std::ofstream(std::get<std::filesystem::path>(spec.output)) << text;
  return says(0, "");
}

}  // namespace loom::testkit
