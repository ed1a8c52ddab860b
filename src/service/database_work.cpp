#include "service/database_work.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/temp_dir.hpp"
#include "blast/engine.hpp"
#include "sequence/byte_source.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;
using catalog::Snapshot;

constexpr std::size_t kMostFaultBytes = 1000;

std::string_view dbtype(blast::Molecule molecule) {
  return molecule == blast::Molecule::protein ? "prot" : "nucl";
}

/// BLAST+'s own words about what went wrong, without its paths of ours and its frame.
std::string words_of(const exec::ProcessOutcome& outcome) {
  std::string text = outcome.stderr_text;
  for (const std::string_view frame : {"BLAST Database creation error: ", "Error: "})
    while (text.starts_with(frame)) text.erase(0, frame.size());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (outcome.signal != 0) return fmt::format("it was ended by signal {}", outcome.signal);
  return text.empty() ? fmt::format("exit code {}", outcome.exit_code) : text;
}

/// A connected pair; writing to one whose other end is gone is an error, not a signal.
Result<std::array<Fd, 2>> make_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_error(errno, "make a channel to makeblastdb");
  return std::array{Fd(ends[0]), Fd(ends[1])};
}

/// False when the reader is gone.
bool send_all(int to, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Reads the FASTA text for makeblastdb, unpacked, on a thread of its own.
class Feeder {
 public:
  static Result<std::unique_ptr<Feeder>> open(const fs::path& fasta, BuildProgress progress) {
    std::unique_ptr<Feeder> feeder(new Feeder(std::move(progress)));
    if (fasta == "-") {
      LOOM_TRY(feeder->source_, sequence::open_byte_source("-"));
    } else {
      Fd fd(::open(fasta.c_str(), O_RDONLY | O_CLOEXEC));
      if (!fd) return system_error(errno, fasta.string());
      std::error_code unknown;
      feeder->total_ = fs::is_regular_file(fasta, unknown) ? fs::file_size(fasta, unknown) : 0;
      // The descriptor is shared with the source: its offset tells how far that has read.
      feeder->place_ = Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
      LOOM_TRY(feeder->source_, sequence::byte_source_of(std::move(fd), fasta.string()));
    }
    return feeder;
  }

  void run(int to) {
    std::vector<char> block(std::size_t{1} << 18U);
    for (;;) {
      const auto got = source_->read(block);
      if (!got) failure_ = got.error();
      if (!got || *got == 0 || !send_all(to, std::span(block).first(*got))) return;
      bytes_ += *got;
      if (progress_ && place_)
        progress_(static_cast<std::uint64_t>(::lseek(place_.get(), 0, SEEK_CUR)), total_);
    }
  }

  /// After run(): what went wrong with reading.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  explicit Feeder(BuildProgress progress) : progress_(std::move(progress)) {}

  BuildProgress progress_;
  std::unique_ptr<sequence::ByteSource> source_;
  Fd place_;
  std::uint64_t total_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<Error> failure_;
};

std::vector<std::string> makeblastdb_args(const fs::path& tool, const BuildRequest& request,
                                          const fs::path& out) {
  std::vector<std::string> argv{tool.string(),
                                "-in",
                                "-",
                                "-dbtype",
                                std::string(dbtype(request.molecule)),
                                "-title",
                                request.title.empty() ? request.name : request.title,
                                "-out",
                                out.string(),
                                "-blastdb_version",
                                "5"};
  if (request.parse_ids) argv.emplace_back("-parse_seqids");
  if (request.taxid) argv.insert(argv.end(), {"-taxid", std::to_string(*request.taxid)});
  if (!request.taxid_map.empty()) argv.insert(argv.end(), {"-taxid_map", request.taxid_map.string()});
  return argv;
}

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

Status check_build(const BuildRequest& request) {
  LOOM_CHECKED(catalog::check_database_name(request.name));
  if (request.taxid && !request.taxid_map.empty())
    return error(Code::invalid_argument, "give a taxid for all sequences or a map of taxids, not both");
  if (!request.taxid_map.empty() && !request.parse_ids)
    return error(Code::invalid_argument,
                 "a map of taxids needs ids that can be looked up: build with parse_ids");
  return ok();
}

}  // namespace

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

Result<Snapshot> build_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                const BuildRequest& request, const BuildProgress& progress,
                                std::stop_token stop) {
  LOOM_CHECKED(check_build(request));
  LOOM_TRY(const fs::path tool, blast::find_tool("makeblastdb"));
  LOOM_TRY(const auto feeder, Feeder::open(request.fasta, progress));
  LOOM_TRY(catalog::Staging staging, snapshots.begin(request.name));
  const fs::path folder = staging.folder.path();
  LOOM_TRY(auto channel, make_channel());
  exec::ProcessSpec spec;
  spec.argv = makeblastdb_args(tool, request, folder / request.name);
  spec.working_dir = folder;
  spec.input = exec::BorrowedFd{channel[1].get()};
  Result<exec::ProcessOutcome> outcome = [&] {
    std::jthread feeding([&, to = std::move(channel[0])]() mutable {
      feeder->run(to.get());
      to = Fd();
    });
    auto ended = runner.run(spec, Deadline::never(), stop);
    channel[1] = Fd();  // nobody reads any more: the feeder stops
    return ended;
  }();
  if (!outcome) return outcome.error();
  if (feeder->failure()) return *feeder->failure();
  if (feeder->bytes() == 0)
    return error(Code::invalid_argument, "{}: it is empty; FASTA text is needed", request.source);
  if (!outcome->succeeded()) return error(Code::invalid_argument, "makeblastdb: {}", words_of(*outcome));
  LOOM_TRY(const std::string fault,
           check_database_files(runner, folder, request.name, request.molecule, stop));
  if (!fault.empty()) return error(Code::corrupt, "the new database does not pass its check: {}", fault);
  return snapshots.publish(std::move(staging), {.database = request.name,
                                                .id = {},
                                                .folder = {},
                                                .molecule = request.molecule,
                                                .title = request.title.empty() ? request.name : request.title,
                                                .created = {},
                                                .source = request.source,
                                                .fingerprint = {},
                                                .verified = {},
                                                .fault = {}});
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
