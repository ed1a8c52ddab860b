#include "service/database_check.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "base/temp_dir.hpp"
#include "blast/engine.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;
using catalog::Snapshot;

constexpr std::size_t kMostFaultBytes = 1000;

/// What blastdbcheck found wrong, from what it printed. It looks one species up in NCBI's taxdb and calls
/// every database broken where that is not installed: this is not counted.
std::string faults_of(const std::string& report) {
  constexpr std::string_view kError = "[ERROR] ";
  std::string faults;
  std::size_t missing_taxdb = 0;
  for (std::size_t at = report.find("GetTaxInfo() - Taxid"); at != std::string::npos;
       at = report.find("GetTaxInfo() - Taxid", at + 1))
    ++missing_taxdb;
  for (std::size_t at = report.find(kError); at != std::string::npos; at = report.find(kError, at + 1)) {
    const std::string fault = report.substr(at + kError.size(), report.find('\n', at) - at - kError.size());
    if (missing_taxdb > 0 && fault == "caught exception.") {
      --missing_taxdb;
      continue;
    }
    if (faults.size() < kMostFaultBytes) faults += (faults.empty() ? "" : "; ") + fault;
  }
  return faults;
}

}  // namespace

std::string_view dbtype(blast::Molecule molecule) {
  return molecule == blast::Molecule::protein ? "prot" : "nucl";
}

std::string words_of(const exec::ProcessOutcome& outcome) {
  std::string text = outcome.stderr_text;
  for (const std::string_view frame : {"BLAST Database creation error: ", "Error: "})
    while (text.starts_with(frame)) text.erase(0, frame.size());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (outcome.signal != 0) return fmt::format("it was ended by signal {}", outcome.signal);
  return text.empty() ? fmt::format("exit code {}", outcome.exit_code) : text;
}

Result<std::string> check_database_files(exec::ProcessRunner& runner, const fs::path& folder,
                                         const std::string& name, blast::Molecule molecule,
                                         std::stop_token stop) {
  LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcheck"));
  LOOM_TRY(const TempDir temp, TempDir::create());
  const fs::path report = temp.path() / "report";
  exec::ProcessSpec spec;
  spec.argv = {
      tool.string(), "-db", (folder / name).string(), "-dbtype", std::string(dbtype(molecule)), "-full",
      "-verbosity",  "3"};
  if (!fs::exists(folder / (name + (molecule == blast::Molecule::protein ? ".pos" : ".nos"))))
    spec.argv.emplace_back("-no_isam");
  spec.environment = {"BLASTDB=" + folder.string()};
  spec.working_dir = folder;
  spec.output = report;
  LOOM_TRY(const exec::ProcessOutcome outcome, runner.run(spec, Deadline::never(), stop));
  if (outcome.succeeded()) return std::string();
  std::ifstream file(report);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.find("[ERROR] ") == std::string::npos) return "blastdbcheck: " + words_of(outcome);
  return faults_of(text);
}

Result<std::string> verify_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                    const Snapshot& snapshot, std::stop_token stop) {
  LOOM_TRY(const std::string found, catalog::Snapshots::fingerprint(snapshot.folder));
  std::string fault;
  if (found != snapshot.fingerprint) {
    fault =
        "its files are not what they were when it was made: roll back to another snapshot, or build it again";
  } else {
    LOOM_TRY(fault,
             check_database_files(runner, snapshot.folder, snapshot.database, snapshot.molecule, stop));
  }
  LOOM_CHECKED(snapshots.keep_verdict(snapshot, fault));
  return fault;
}

}  // namespace loom::service
