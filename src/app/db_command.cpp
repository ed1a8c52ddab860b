#include "app/db_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <map>

#include "app/flags.hpp"
#include "app/own_flags.hpp"
#include "app/signals.hpp"
#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "sequence/byte_source.hpp"
#include "service/database_works.hpp"
#include "service/organisms.hpp"
#include "store/sqlite/sqlite_job_store.hpp"
#include "taxonomy/image.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using catalog::Snapshot;
using catalog::Snapshots;

constexpr std::string_view kUsage = R"(usage: blastloom db COMMAND … --data DIR

  build NAME --in FILE --type protein|nucleotide [--title T] [--parse-ids] [--taxid N | --taxid-map FILE]
                        makes a database of FASTA text (plain or gzip, - is standard input), or a new snapshot
                        of the database NAME, which searches from then on use
  fetch NAME [--from URL]
                        fetches NCBI's database NAME, or a newer version of it, from a mirror (NCBI's own), checks it
                        and makes it what searches use; what a cut left is gone on with
  taxonomy FILE         imports NCBI's taxonomy (taxdump.tar.gz, or a folder of its files), by which searches can be
                        limited to organisms
  list [--json]         the databases and their snapshots; * is the one that searches use
  info NAME [--json]
  sequences NAME --ids A,B | --in FILE [--flank N] [--missing skip]
                        FASTA text of sequences, or of parts: FILE has lines such as 'ID 11-90 minus', - is
                        standard input
  verify NAME [ID]      reads every byte: whether the files are whole and as they were made
  warm NAME [--budget BYTES]
                        reads it into memory (the page cache), so that the next search need not
  metadata NAME         all that is shown of it, as JSON
  rollback NAME [ID]    makes an older snapshot (or ID) the one that searches use
  remove NAME [ID]      one snapshot that is not in use, or with --all the database

  --data DIR   the folder of 'blastloom serve --data DIR'
Exit codes: 0 done; 1 wrong request; 2 damaged data; 255 other.
)";
constexpr int kDamaged = 2;

int fail(const Error& why) {
  fmt::print(stderr, "blastloom: {}\n", why.message);
  switch (why.code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::conflict:
      return 1;
    case Code::corrupt:
      return kDamaged;
    default:
      return 255;
  }
}

constexpr std::array kFlags{KnownFlag{"data"},        KnownFlag{"in"},        KnownFlag{"type"},
                            KnownFlag{"title"},       KnownFlag{"taxid"},     KnownFlag{"taxid-map"},
                            KnownFlag{"ids"},         KnownFlag{"flank"},     KnownFlag{"from"},
                            KnownFlag{"missing"},     KnownFlag{"budget"},    KnownFlag{"parse-ids", false},
                            KnownFlag{"json", false}, KnownFlag{"all", false}};

Result<Arguments> read_db_arguments(std::span<const std::string> args) {
  LOOM_TRY(Arguments found, read_arguments("db", args, kFlags));
  if (!found.has("data"))
    return error(Code::invalid_argument, "db needs --data DIR, the folder of the server");
  return found;
}

Result<std::uint32_t> number_of(std::string_view flag, const std::string& text, std::uint32_t least) {
  std::uint32_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{} || end != text.data() + text.size() || number < least)
    return error(Code::invalid_argument, "{}: a number from {} on is needed, not '{}'", flag, least, text);
  return number;
}

Result<service::BuildRequest> read_build(const std::string& name, const Arguments& args) {
  service::BuildRequest request;
  request.name = name;
  request.title = args.value("title");
  request.parse_ids = args.has("parse-ids");
  const std::string type = args.value("type");
  if (type != "protein" && type != "nucleotide")
    return error(Code::invalid_argument, "--type: protein or nucleotide is needed, not '{}'", type);
  request.molecule = type == "protein" ? blast::Molecule::protein : blast::Molecule::nucleotide;
  request.fasta = args.value("in");
  if (request.fasta.empty())
    return error(Code::invalid_argument, "--in FILE: name the FASTA file, or - for standard input");
  request.source = request.fasta == "-" ? "standard input" : request.fasta.filename().string();
  request.taxid_map = args.value("taxid-map");
  if (args.has("taxid")) {
    LOOM_TRY(request.taxid, number_of("--taxid", args.value("taxid"), 1));
  }
  return request;
}

int build(const Snapshots& snapshots, const std::string& name, const Arguments& args) {
  const auto request = read_build(name, args);
  if (!request) return fail(request.error());
  const bool shows = ::isatty(STDERR_FILENO) == 1;
  const auto progress = [shows, shown = -1](std::uint64_t done, std::uint64_t total) mutable {
    const int percent = total == 0 ? 0 : static_cast<int>(100 * done / total);
    if (!shows || percent == shown) return;
    shown = percent;
    fmt::print(stderr, "\r{} % read", percent);
  };
  exec::LocalProcessRunner runner;
  const Signals signals;
  const auto built = service::build_database(snapshots, runner, *request, progress, signals.stop());
  if (shows) fmt::print(stderr, "\r            \r");
  if (!built) return fail(built.error());
  fmt::print("{} {}: {} sequences, {} letters\n", built->database, built->id, built->sequences,
             built->letters);
  return 0;
}

/// The lines of --in, or those that --ids stands for.
Result<std::string> wanted_lines(const Arguments& args) {
  if (args.has("ids") == args.has("in"))
    return error(Code::invalid_argument, "sequences: give --ids A,B or --in FILE");
  if (args.has("ids")) {
    std::string ids = args.value("ids");
    std::ranges::replace(ids, ',', '\n');
    return ids;
  }
  LOOM_TRY(const auto source, sequence::open_byte_source(args.value("in")));
  std::string lines;
  std::string block(std::size_t{64} << 10U, '\0');
  for (;;) {
    LOOM_TRY(const std::size_t got, source->read(block));
    if (got == 0) return lines;
    lines.append(block, 0, got);
  }
}

Status print_sequences(const Snapshots& snapshots, const std::string& name, const Arguments& args) {
  service::SequenceRequest request;
  LOOM_TRY(const std::string lines, wanted_lines(args));
  LOOM_TRY(request.parts, service::parse_sequence_parts(lines));
  if (args.has("flank")) {
    LOOM_TRY(request.flank, number_of("--flank", args.value("flank"), 0));
  }
  const std::string missing = args.has("missing") ? args.value("missing") : "fail";
  if (missing != "fail" && missing != "skip")
    return error(Code::invalid_argument, "--missing: fail or skip, not '{}'", missing);
  request.skip_missing = missing == "skip";
  service::DatabaseList databases(snapshots);
  LOOM_TRY(const service::OpenDatabase database, databases.open(name));
  exec::LocalProcessRunner runner;
  const Signals signals;
  LOOM_TRY(const auto fetched, service::fetch_sequences(runner, database, request, TempDir::default_parent(),
                                                        Deadline::never(), signals.stop()));
  for (const std::string& id : fetched.missing) fmt::print(stderr, "missing: {}\n", id);
  std::string block(std::size_t{256} << 10U, '\0');
  for (;;) {
    const ssize_t got = ::read(fetched.text.get(), block.data(), block.size());
    if (got < 0) return system_error(errno, "read the sequences");
    if (got == 0) break;
    if (std::fwrite(block.data(), 1, static_cast<std::size_t>(got), stdout) != static_cast<std::size_t>(got))
      return system_error(errno, "write to standard output");
  }
  if (std::fflush(stdout) != 0) return system_error(errno, "write to standard output");
  return ok();
}

Status fetch(const Snapshots& snapshots, const std::string& name, const Arguments& args) {
  const bool shows = ::isatty(STDERR_FILENO) == 1;
  const auto progress = [shows, shown = std::uint64_t{0}](std::uint64_t done, std::uint64_t total) mutable {
    if (!shows || done >> 20U == shown) return;
    shown = done >> 20U;
    fmt::print(stderr, "\r{} of {} MB", shown, total == 0 ? "?" : std::to_string(total >> 20U));
  };
  exec::LocalProcessRunner runner;
  const Signals signals;
  service::FetchRequest request{.name = name, .mirror = args.value("from")};
  if (request.mirror.empty()) request.mirror = service::kNcbiMirror;
  const auto fetched = service::fetch_database(snapshots, runner, request, progress, signals.stop());
  if (shows) fmt::print(stderr, "\r                              \r");
  if (!fetched) return fetched.error();
  const Snapshot& now = fetched->snapshot;
  fmt::print("{} {}: {}, {} sequences, {} letters ({})\n", now.database, now.id,
             fetched->is_new ? "fetched" : "up to date", now.sequences, now.letters, now.source);
  return ok();
}

int import_taxonomy(const std::string& source, const fs::path& data) {
  const Signals signals;
  const auto size = taxonomy::import_taxdump(source, service::taxonomy_file(data), signals.stop());
  if (!size) return fail(size.error());
  fmt::print("{} taxa with {} names\n", size->nodes, size->names);
  return 0;
}

Status warm(const Snapshots& snapshots, const std::string& name, const Arguments& args) {
  service::DatabaseList databases(snapshots);
  LOOM_TRY(const service::OpenDatabase opened, databases.open(name));
  catalog::WarmOptions options;
  if (args.has("budget")) {
    LOOM_TRY(options.budget_bytes, parse_bytes(args.value("budget")));
  }
  const Signals signals;
  options.stop = signals.stop();
  LOOM_TRY(const catalog::Warmed warmed, catalog::warm(opened.database, options));
  fmt::print("{}: {} of {} bytes are in memory, {} were read\n", name, warmed.residency.resident_bytes,
             warmed.residency.bytes, warmed.progress.read_bytes);
  return ok();
}

Status print_metadata(const Snapshots& snapshots, const std::string& name) {
  service::DatabaseList databases(snapshots);
  service::DatabaseDetails details(databases);
  LOOM_TRY(const auto text, details.metadata(name, "", Deadline::never()));
  fmt::print("{}\n", *text);
  return ok();
}

json::object json_of(const Snapshot& one, bool current) {
  return {{"database", one.database},
          {"id", one.id},
          {"current", current},
          {"molecule", blast::name(one.molecule)},
          {"title", one.title},
          {"sequences", one.sequences},
          {"letters", one.letters},
          {"bytes", one.bytes},
          {"created", one.created},
          {"source", one.source},
          {"fingerprint", one.fingerprint},
          {"verified", one.verified},
          {"fault", one.fault},
          {"folder", one.folder.string()}};
}

int list(const Snapshots& snapshots, const std::optional<std::string>& name, bool as_json) {
  json::array all;
  for (const Snapshot& one : snapshots.list()) {
    if (name && one.database != *name) continue;
    const bool current = snapshots.current_id(one.database) == one.id;
    if (as_json) {
      all.push_back(json_of(one, current));
      continue;
    }
    fmt::print("{} {}\t{}\t{}\t{} sequences\t{} letters\t{}\t{}\n", current ? '*' : ' ', one.database, one.id,
               blast::name(one.molecule), one.sequences, one.letters,
               !one.fault.empty()     ? "damaged"
               : one.verified.empty() ? "not verified"
                                      : "verified " + one.verified,
               one.title);
  }
  if (as_json) fmt::print("{}\n", json::serialize(all));
  return 0;
}

/// The snapshot that the words NAME [ID] mean: without an id the current one.
Result<Snapshot> named(const Snapshots& snapshots, const std::vector<std::string>& words) {
  return words.size() > 2 ? snapshots.get(words[1], words[2]) : snapshots.current(words[1]);
}

int verify(const Snapshots& snapshots, const std::vector<std::string>& words) {
  const auto snapshot = named(snapshots, words);
  if (!snapshot) return fail(snapshot.error());
  exec::LocalProcessRunner runner;
  const Signals signals;
  const auto fault = service::verify_database(snapshots, runner, *snapshot, signals.stop());
  if (!fault) return fail(fault.error());
  fmt::print("{} {}: {}\n", snapshot->database, snapshot->id, fault->empty() ? "whole" : *fault);
  return fault->empty() ? 0 : kDamaged;
}

Result<std::string> id_before(const Snapshots& snapshots, const std::string& name) {
  LOOM_TRY(const Snapshot current, snapshots.current(name));
  for (const Snapshot& one : snapshots.list())  // the newest first
    if (one.database == name && one.id < current.id) return one.id;
  return error(Code::not_found, "{} has no snapshot older than {}", name, current.id);
}

int rollback(const Snapshots& snapshots, const std::vector<std::string>& words) {
  const auto id = words.size() > 2 ? Result<std::string>(words[2]) : id_before(snapshots, words[1]);
  if (!id) return fail(id.error());
  const auto now = snapshots.switch_to(words[1], *id);
  if (!now) return fail(now.error());
  fmt::print("{} {}: {} sequences, {} letters\n", now->database, now->id, now->sequences, now->letters);
  return 0;
}

/// Refuses what unfinished jobs of the server on this folder need.
Status check_unused(const fs::path& data, const fs::path& folder) {
  if (!fs::exists(data / "jobs.sqlite")) return ok();
  LOOM_TRY(const auto store, store::SqliteJobStore::open(data / "jobs.sqlite"));
  return service::check_unused(*store, folder);
}

int remove(const Snapshots& snapshots, const fs::path& data, const std::vector<std::string>& words,
           bool all) {
  if (all == (words.size() > 2))
    return fail(error(Code::invalid_argument,
                      "remove: name a snapshot's id, or give --all for the database with all of them"));
  const auto snapshot = all ? snapshots.current(words[1]) : snapshots.get(words[1], words[2]);
  if (!snapshot) return fail(snapshot.error());
  const fs::path folder = all ? snapshot->folder.parent_path() : snapshot->folder;
  if (const Status unused = check_unused(data, folder); !unused) return fail(unused.error());
  const Status removed = all ? snapshots.remove_all(words[1]) : snapshots.remove(words[1], words[2]);
  return removed ? 0 : fail(removed.error());
}

}  // namespace

int db_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    fmt::print("{}", kUsage);
    return args.empty() ? 1 : 0;
  }
  const auto read = read_db_arguments(args);
  if (!read) return fail(read.error());
  const std::vector<std::string>& words = read->rest;
  const std::string command = words.empty() ? "" : words[0];
  const auto snapshots = Snapshots::open(fs::path(read->value("data")) / "databases");
  if (!snapshots) return fail(snapshots.error());
  if (command == "list" && words.size() == 1) return list(*snapshots, {}, read->has("json"));
  if (command == "taxonomy" && words.size() == 2) return import_taxonomy(words[1], read->value("data"));
  if (words.size() == 2 || words.size() == 3) {
    if (command == "build" && words.size() == 2) return build(*snapshots, words[1], *read);
    if (words.size() == 2 &&
        (command == "sequences" || command == "fetch" || command == "warm" || command == "metadata")) {
      const Status done = command == "sequences" ? print_sequences(*snapshots, words[1], *read)
                          : command == "fetch"   ? fetch(*snapshots, words[1], *read)
                          : command == "warm"    ? warm(*snapshots, words[1], *read)
                                                 : print_metadata(*snapshots, words[1]);
      return done ? 0 : fail(done.error());
    }
    if (command == "info" && words.size() == 2) {
      if (const auto known = snapshots->current(words[1]); !known) return fail(known.error());
      return list(*snapshots, words[1], read->has("json"));
    }
    if (command == "verify") return verify(*snapshots, words);
    if (command == "rollback") return rollback(*snapshots, words);
    if (command == "remove") return remove(*snapshots, read->value("data"), words, read->has("all"));
  }
  fmt::print(stderr, "{}", kUsage);
  return 1;
}

}  // namespace loom::app
