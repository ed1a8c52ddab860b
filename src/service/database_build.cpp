#include "service/database_build.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <thread>

#include "blast/engine.hpp"
#include "service/database_append.hpp"
#include "service/database_check.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;
using catalog::Snapshot;

constexpr std::size_t kMostSourceBytes = 1000;

/// A connected pair; writing to one whose other end is gone is an error, not a signal.
Result<std::array<Fd, 2>> make_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_error(errno, "make a channel to makeblastdb");
  return std::array{Fd(ends[0]), Fd(ends[1])};
}

/// What makeblastdb is to write.
struct NewVolume {
  std::string name;
  blast::Molecule molecule = blast::Molecule::protein;
  std::string title;
  bool parse_ids = false;
  std::uint32_t version = 5;
};

std::vector<std::string> makeblastdb_args(const fs::path& tool, const BuildRequest& request,
                                          const NewVolume& volume, const fs::path& folder) {
  std::vector<std::string> argv{tool.string(),
                                "-in",
                                "-",
                                "-dbtype",
                                std::string(dbtype(volume.molecule)),
                                "-title",
                                volume.title,
                                "-out",
                                (folder / volume.name).string(),
                                "-blastdb_version",
                                std::to_string(volume.version)};
  if (volume.parse_ids) argv.emplace_back("-parse_seqids");
  if (request.taxid) argv.insert(argv.end(), {"-taxid", std::to_string(*request.taxid)});
  if (!request.taxid_map.empty())
    argv.insert(argv.end(), {"-taxid_map", fs::absolute(request.taxid_map).string()});
  std::string masks;
  for (const fs::path& mask : request.masks)
    masks += (masks.empty() ? "" : ",") + fs::absolute(mask).string();
  if (!masks.empty()) argv.insert(argv.end(), {"-mask_data", masks});
  return argv;
}

Status check_build(const BuildRequest& request) {
  LOOM_CHECKED(catalog::check_database_name(request.name));
  if (!request.molecule && !request.append)
    return error(Code::invalid_argument, "say whether the sequences are protein or nucleotide");
  if (request.taxid && !request.taxid_map.empty())
    return error(Code::invalid_argument, "give a taxid for all sequences or a map of taxids, not both");
  for (const fs::path& mask : request.masks)
    if (mask.string().find(',') != std::string::npos)
      return error(Code::invalid_argument, "{}: makeblastdb takes no mask file with a comma in its name",
                   mask.string());
  return ok();
}

Status check_ids(const BuildRequest& request, const NewVolume& volume) {
  if (volume.parse_ids || (request.taxid_map.empty() && request.masks.empty())) return ok();
  if (request.append)
    return error(Code::invalid_argument,
                 "{} was made without ids that can be looked up, which a map of taxids and masks need; build "
                 "it anew with parse_ids",
                 request.name);
  return error(Code::invalid_argument,
               "a map of taxids, and masks, need ids that can be looked up: build with parse_ids");
}

/// Why makeblastdb made no database, or not the one that was asked for; empty: it did.
std::string complaint(const exec::ProcessOutcome& outcome, const RepeatedIds& repeated) {
  const std::string words = words_of(outcome);
  if (outcome.succeeded()) {
    // Its exit code is 0 then.
    return words.find("matched any of the masks") == std::string::npos ? "" : "makeblastdb: " + words;
  }
  const std::string again = words_of(repeated);
  return "makeblastdb: " + words + (again.empty() ? "" : "; " + again);
}

Status make_volume(exec::ProcessRunner& runner, const BuildRequest& request, const NewVolume& volume,
                   const fs::path& folder, const BuildWatch& watch, std::stop_token stop) {
  LOOM_TRY(const fs::path tool, blast::find_tool("makeblastdb"));
  LOOM_TRY(const auto feeder, FastaFeeder::open(request.fasta, watch.progress));
  LOOM_TRY(auto channel, make_channel());
  exec::ProcessSpec spec;
  spec.argv = makeblastdb_args(tool, request, volume, folder);
  spec.working_dir = folder;
  spec.input = exec::BorrowedFd{channel[1].get()};
  const Result<exec::ProcessOutcome> outcome = [&] {
    std::jthread feeding([&, to = std::move(channel[0])]() mutable {
      feeder->run(to.get());
      to = Fd();
    });
    auto ended = runner.run(spec, Deadline::never(), std::move(stop));
    channel[1] = Fd();  // nobody reads any more: the feeder stops
    return ended;
  }();
  if (!outcome) return outcome.error();
  if (feeder->failure()) return *feeder->failure();
  if (feeder->bytes() == 0)
    return error(Code::invalid_argument, "{}: it is empty; FASTA text is needed", request.source);
  const RepeatedIds repeated = feeder->repeated();
  if (watch.repeated) watch.repeated(repeated);
  if (const std::string why = complaint(*outcome, repeated); !why.empty())
    return error(Code::invalid_argument, "{}", why);
  return ok();
}

NewVolume volume_of(const BuildRequest& request, const std::optional<Base>& base) {
  if (!base)
    return {.name = request.name,
            .molecule = *request.molecule,
            .title = request.title.empty() ? request.name : request.title,
            .parse_ids = request.parse_ids};
  return {.name = base->addition,
          .molecule = base->snapshot.molecule,
          .title = request.title.empty() ? base->snapshot.title : request.title,
          .parse_ids = base->has_ids,
          .version = base->version};
}

/// Puts the addition beside what was there.
Status join(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner, const Base& base,
            const NewVolume& volume, const fs::path& folder, std::stop_token stop) {
  LOOM_CHECKED(check_new_ids(runner, base, folder, std::move(stop)));
  LOOM_CHECKED(write_alias(base, volume.title, folder));
  if (snapshots.current_id(base.snapshot.database) != base.snapshot.id)
    return error(Code::conflict, "{} was updated meanwhile; append to what it is now",
                 base.snapshot.database);
  return ok();
}

}  // namespace

Result<Snapshot> build_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                const BuildRequest& request, const BuildWatch& watch, std::stop_token stop) {
  const auto step = [&](std::string_view what) {
    if (watch.step) watch.step(what);
  };
  LOOM_CHECKED(check_build(request));
  LOOM_TRY(catalog::Staging staging, snapshots.begin(request.name));
  const fs::path folder = staging.folder.path();
  std::optional<Base> base;
  if (request.append) {
    LOOM_TRY(base, take_over(snapshots, request.name, request.molecule, folder));
  }
  const NewVolume volume = volume_of(request, base);
  LOOM_CHECKED(check_ids(request, volume));
  step("reading");
  LOOM_CHECKED(make_volume(runner, request, volume, folder, watch, stop));
  step("checking");
  LOOM_TRY(const std::string fault, check_database_files(runner, folder, volume.name, volume.molecule, stop));
  if (!fault.empty()) return error(Code::corrupt, "the new database does not pass its check: {}", fault);
  if (base) LOOM_CHECKED(join(snapshots, runner, *base, volume, folder, std::move(stop)));
  const std::string source =
      base ? fmt::format("{} + {}", base->snapshot.source, request.source) : request.source;
  return snapshots.publish(std::move(staging), {.database = request.name,
                                                .id = {},
                                                .folder = {},
                                                .molecule = volume.molecule,
                                                .title = volume.title,
                                                .created = {},
                                                .source = source.substr(0, kMostSourceBytes),
                                                .fingerprint = {},
                                                .verified = {},
                                                .fault = {}});
}

}  // namespace loom::service
