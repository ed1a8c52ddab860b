#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "app/db_call.hpp"
#include "app/signals.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "exec/local/local_process_runner.hpp"
#include "search/settings.hpp"
#include "sequence/byte_source.hpp"
#include "service/database_details.hpp"
#include "service/databases.hpp"
#include "service/recommend.hpp"
#include "service/sequences.hpp"

namespace loom::app {

namespace {

namespace json = boost::json;
using catalog::Snapshot;

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

json::object json_of(const service::DatabaseInfo& one) {
  return {{"database", one.name},     {"id", ""},           {"current", true},
          {"molecule", one.molecule}, {"title", one.title}, {"sequences", one.sequences},
          {"letters", one.letters},   {"bytes", one.bytes}, {"created", one.date},
          {"source", "BLASTDB"}};
}

/// What lies in BLASTDB under names that are not kept here.
Status print_others(const catalog::Snapshots& snapshots, bool as_json, json::array& all) {
  service::DatabaseList databases(snapshots);
  LOOM_TRY(const auto list, databases.get());
  for (const service::DatabaseInfo& one : list) {
    if (!one.snapshot.empty()) continue;
    all.push_back(json_of(one));
    if (!as_json)
      fmt::print("* {}\t{:28}\t{}\t{} sequences\t{} letters\tin BLASTDB\t{}\n", one.name, "-", one.molecule,
                 one.sequences, one.letters, one_line(one.title));
  }
  return ok();
}

/// Of one database only, if `name` is not empty; else, with --all, also those of BLASTDB.
Status print_snapshots(const DbCall& call, const std::string& name) {
  json::array all;
  const bool as_json = call.has("json");
  for (const Snapshot& one : call.snapshots.list()) {
    if (!name.empty() && one.database != name) continue;
    const bool current = call.snapshots.current_id(one.database) == one.id;
    if (as_json) {
      all.push_back(json_of(one, current));
      continue;
    }
    fmt::print("{} {}\t{}\t{}\t{} sequences\t{} letters\t{}\t{}\n", current ? '*' : ' ', one.database, one.id,
               blast::name(one.molecule), one.sequences, one.letters,
               !one.fault.empty()     ? "damaged"
               : one.verified.empty() ? "not verified"
                                      : "verified " + one.verified,
               one_line(one.title));
  }
  if (name.empty() && call.has("all")) LOOM_CHECKED(print_others(call.snapshots, as_json, all));
  if (as_json) fmt::print("{}\n", json::serialize(all));
  return ok();
}

/// The lines of --in, or those that --ids stands for.
Result<std::string> wanted_lines(const DbCall& call) {
  if (call.has("ids") == call.has("in"))
    return error(Code::invalid_argument, "sequences: give --ids A,B or --in FILE");
  if (call.has("ids")) {
    std::string ids = call.value("ids");
    std::ranges::replace(ids, ',', '\n');
    return ids;
  }
  LOOM_TRY(const auto source, sequence::open_byte_source(call.value("in")));
  std::string lines;
  std::string block(std::size_t{64} << 10U, '\0');
  for (;;) {
    LOOM_TRY(const std::size_t got, source->read(block));
    if (got == 0) return lines;
    lines.append(block, 0, got);
  }
}

Result<service::SequenceRequest> read_request(const DbCall& call) {
  service::SequenceRequest request;
  LOOM_TRY(const std::string lines, wanted_lines(call));
  LOOM_TRY(request.parts, service::parse_sequence_parts(lines));
  if (call.has("flank")) {
    LOOM_TRY(request.flank, call.number("flank", 0));
  }
  const std::string missing = call.has("missing") ? call.value("missing") : "fail";
  if (missing != "fail" && missing != "skip")
    return error(Code::invalid_argument, "--missing: fail or skip, not '{}'", missing);
  request.skip_missing = missing == "skip";
  return request;
}

Result<service::FetchedSequences> fetch(const service::OpenDatabase& database,
                                        const service::SequenceRequest& request, std::stop_token stop) {
  exec::LocalProcessRunner runner;
  service::SequenceReader reader(runner, TempDir::default_parent());
  return reader.fetch("", database, request, Deadline::never(), std::move(stop));
}

Status print_text(const Fd& text) {
  std::string block(std::size_t{256} << 10U, '\0');
  for (;;) {
    const ssize_t got = ::read(text.get(), block.data(), block.size());
    if (got < 0) return system_error(errno, "read the sequences");
    if (got == 0) break;
    if (std::fwrite(block.data(), 1, static_cast<std::size_t>(got), stdout) != static_cast<std::size_t>(got))
      return system_error(errno, "write to standard output");
  }
  if (std::fflush(stdout) != 0) return system_error(errno, "write to standard output");
  return ok();
}

}  // namespace

Result<int> db_list(const DbCall& call) {
  LOOM_CHECKED(print_snapshots(call, ""));
  return 0;
}

Result<int> db_info(const DbCall& call) {
  LOOM_CHECKED(call.snapshots.current(call.words[0]));
  LOOM_CHECKED(print_snapshots(call, call.words[0]));
  return 0;
}

Result<int> db_metadata(const DbCall& call) {
  service::DatabaseList databases(call.snapshots);
  service::DatabaseDetails details(databases);
  LOOM_TRY(const auto text, details.metadata(call.words[0], "", Deadline::never()));
  fmt::print("{}\n", *text);
  return 0;
}

Result<int> db_sequences(const DbCall& call) {
  LOOM_TRY(const service::SequenceRequest request, read_request(call));
  service::DatabaseList databases(call.snapshots);
  LOOM_TRY(const service::OpenDatabase database, databases.open(call.words[0]));
  const Signals signals;
  LOOM_TRY(const auto fetched, fetch(database, request, signals.stop()));
  for (const std::string& id : fetched.missing) fmt::print(stderr, "missing: {}\n", id);
  LOOM_CHECKED(print_text(fetched.text));
  return 0;
}

Result<int> db_recommend(const DbCall& call) {
  if (!call.has("in"))
    return error(Code::invalid_argument, "--in FILE: name the queries, or - for standard input");
  LOOM_TRY(const auto source, sequence::open_byte_source(call.value("in")));
  LOOM_TRY(const service::QueryLook look, service::look_at_query(*source));
  if (!look.molecule)
    return error(Code::invalid_argument, "{}: {} letters tell nothing of their kind", call.value("in"),
                 look.letters);
  if (look.mixed)
    fmt::print(stderr,
               "blastloom: some queries look like proteins and some like nucleotides; search them apart\n");
  service::DatabaseList databases(call.snapshots);
  LOOM_TRY(const auto all,
           service::recommend_from(databases, *look.molecule, look.longest, search::usable_memory_bytes(),
                                   call.words.empty() ? "" : call.words[0]));
  for (const service::Recommendation& one : all) {
    fmt::print("{}{} -db {}\n", one.program, one.task.empty() ? "" : " -task " + one.task, one.database);
    for (const std::string& reason : one.reasons) fmt::print("    {}\n", reason);
    for (const std::string& warning : one.warnings) fmt::print("    but: {}\n", warning);
  }
  return 0;
}

}  // namespace loom::app
