#include <fmt/format.h>
#include <unistd.h>

#include "app/db_call.hpp"
#include "app/signals.hpp"
#include "exec/local/local_process_runner.hpp"
#include "service/database_add.hpp"
#include "service/database_build.hpp"
#include "service/database_fetch.hpp"
#include "service/organisms.hpp"
#include "taxonomy/image.hpp"

namespace loom::app {

namespace {

using catalog::Snapshot;

/// One line on a terminal that is written over and, at the end, wiped.
class StatusLine {
 public:
  StatusLine() = default;
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  ~StatusLine() {
    if (!shown_.empty()) fmt::print(stderr, "\r{:{}}\r", "", shown_.size());
  }
  void show(std::string text) {
    if (!is_terminal_ || text == shown_) return;
    const std::size_t before = shown_.size();
    shown_ = std::move(text);
    fmt::print(stderr, "\r{:<{}}", shown_, before);
  }

 private:
  const bool is_terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string shown_;
};

void print_made(const Snapshot& made) {
  fmt::print("{} {}: {} sequences, {} letters\n", made.database, made.id, made.sequences, made.letters);
}

Result<service::BuildRequest> read_build(const DbCall& call) {
  service::BuildRequest request;
  request.name = call.words[0];
  request.append = call.has("append");
  request.title = call.value("title");
  request.parse_ids = call.has("parse-ids");
  if (request.append && request.parse_ids)
    return error(Code::invalid_argument,
                 "--parse-ids: what is appended has ids if what is there has; leave it out");
  const std::string type = call.value("type");
  if (type == "protein" || type == "nucleotide") {
    request.molecule = type == "protein" ? blast::Molecule::protein : blast::Molecule::nucleotide;
  } else if (!request.append || call.has("type")) {
    return error(Code::invalid_argument, "--type: protein or nucleotide is needed, not '{}'", type);
  }
  request.fasta = call.value("in");
  if (request.fasta.empty())
    return error(Code::invalid_argument, "--in FILE: name the FASTA file, or - for standard input");
  request.source = request.fasta == "-" ? "standard input" : request.fasta.filename().string();
  request.taxid_map = call.value("taxid-map");
  for (std::string& mask : call.arguments.values("mask")) request.masks.emplace_back(std::move(mask));
  if (call.has("taxid")) {
    LOOM_TRY(request.taxid, call.number("taxid", 1));
  }
  return request;
}

}  // namespace

Result<int> db_build(const DbCall& call) {
  LOOM_TRY(const service::BuildRequest request, read_build(call));
  std::string repeated;
  exec::LocalProcessRunner runner;
  const Signals signals;
  const Result<Snapshot> built = [&] {
    StatusLine status;
    const service::BuildWatch watch{
        .progress =
            [&](std::uint64_t done, std::uint64_t total) {
              if (total > 0) status.show(fmt::format("{} % read", 100 * done / total));
            },
        .step = [&](std::string_view step) { status.show(std::string(step)); },
        .repeated = [&](const service::RepeatedIds& found) { repeated = words_of(found); }};
    return service::build_database(call.snapshots, runner, request, watch, signals.stop());
  }();
  if (!built) return built.error();
  print_made(*built);
  if (!repeated.empty()) fmt::print(stderr, "blastloom: {}\n", repeated);
  return 0;
}

Result<int> db_add(const DbCall& call) {
  exec::LocalProcessRunner runner;
  const Signals signals;
  LOOM_TRY(const Snapshot made, service::add_database(call.snapshots, runner, call.words[0], signals.stop()));
  print_made(made);
  return 0;
}

Result<int> db_fetch(const DbCall& call) {
  exec::LocalProcessRunner runner;
  const Signals signals;
  service::FetchRequest request{.name = call.words[0], .mirror = call.value("from")};
  if (request.mirror.empty()) request.mirror = service::kNcbiMirror;
  const auto fetched = [&] {
    StatusLine status;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
      status.show(fmt::format("{} of {} MB", done >> 20U, total == 0 ? "?" : std::to_string(total >> 20U)));
    };
    return service::fetch_database(call.snapshots, runner, request, progress, signals.stop());
  }();
  if (!fetched) return fetched.error();
  const Snapshot& now = fetched->snapshot;
  fmt::print("{} {}: {}, {} sequences, {} letters ({})\n", now.database, now.id,
             fetched->is_new ? "fetched" : "up to date", now.sequences, now.letters, now.source);
  return 0;
}

Result<int> db_taxonomy(const DbCall& call) {
  const Signals signals;
  LOOM_TRY(const auto size,
           taxonomy::import_taxdump(call.words[0], service::taxonomy_file(call.data), signals.stop()));
  fmt::print("{} taxa with {} names\n", size.nodes, size.names);
  return 0;
}

}  // namespace loom::app
