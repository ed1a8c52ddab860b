#include "app/db_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/db_call.hpp"
#include "base/number.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDbUsage =
    R"(usage: blastloom db COMMAND … --data DIR     (the folder of 'blastloom serve --data DIR')

Make and change. Searches use the new snapshot at once; jobs that are there keep theirs.
  build NAME --in FILE --type protein|nucleotide [--title T] [--parse-ids] [--taxid N | --taxid-map FILE] [--mask FILE]…
                                   from FASTA text, plain or gzip, - is standard input; masks as of segmasker
  build NAME --append --in FILE    adds sequences to NAME, as a volume of their own
  add PATH                         takes in a BLAST database that lies elsewhere, PATH as for -db
  fetch NAME [--from URL]          from a mirror (NCBI's own); goes on where a cut left it
  update NAME [--from URL]         the same, when the mirror has another version
  rollback NAME [ID]               back to the snapshot before, or to ID
  remove NAME ID | NAME --all      a snapshot, or the database; refused while unfinished jobs need it
  prune [NAME] --keep N [--days D] removes older snapshots that no unfinished job needs
  taxonomy FILE                    imports NCBI's taxdump.tar.gz, so that searches can be limited to organisms
Look.
  list [--all] [--json]            databases and their snapshots; * is the one that searches use; --all: those
                                   in BLASTDB too
  info NAME [--json]               the snapshots of one
  metadata NAME                    all that is shown of it, as JSON
  verify NAME [ID]                 reads every byte: whether the files are whole and as they were made
  warm NAME [--budget SIZE]        reads it into memory, so that the next search need not
  sequences NAME --ids A,B | --in FILE [--flank N] [--missing skip]
                                   FASTA text; FILE has lines such as 'ID 11-90 minus'
  recommend [NAME] --in FILE       which program and database to search with these queries, and why
Exit codes: 0 done; 1 wrong request; 2 damaged data; 255 other.
)";

int fail_db(const Error& why) {
  fmt::print(stderr, "blastloom: {}\n", why.message);
  switch (why.code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::conflict:
    case Code::too_large:
      return 1;
    case Code::corrupt:
      return kDamaged;
    default:
      return 255;
  }
}

struct Command {
  std::string_view name;
  std::size_t least_words;
  std::size_t most_words;
  Result<int> (*run)(const DbCall&);
  std::string_view words;  ///< that it takes
};

constexpr std::array kDbCommands{Command{"build", 1, 1, db_build, "NAME"},
                                 Command{"add", 1, 1, db_add, "PATH"},
                                 Command{"fetch", 1, 1, db_fetch, "NAME"},
                                 Command{"update", 1, 1, db_fetch, "NAME"},
                                 Command{"taxonomy", 1, 1, db_taxonomy, "FILE"},
                                 Command{"rollback", 1, 2, db_rollback, "NAME [ID]"},
                                 Command{"remove", 1, 2, db_remove, "NAME ID, or NAME --all"},
                                 Command{"prune", 0, 1, db_prune, "[NAME] --keep N"},
                                 Command{"list", 0, 0, db_list, "no words"},
                                 Command{"info", 1, 1, db_info, "NAME"},
                                 Command{"metadata", 1, 1, db_metadata, "NAME"},
                                 Command{"verify", 1, 2, db_verify, "NAME [ID]"},
                                 Command{"warm", 1, 1, db_warm, "NAME"},
                                 Command{"sequences", 1, 1, db_sequences, "NAME"},
                                 Command{"recommend", 0, 1, db_recommend, "[NAME] --in FILE"}};

constexpr std::array kDbFlags{KnownFlag{"data"},   KnownFlag{"in"},
                              KnownFlag{"type"},   KnownFlag{"title"},
                              KnownFlag{"taxid"},  KnownFlag{"taxid-map"},
                              KnownFlag{"mask"},   KnownFlag{"parse-ids", false},
                              KnownFlag{"ids"},    KnownFlag{"append", false},
                              KnownFlag{"flank"},  KnownFlag{"json", false},
                              KnownFlag{"from"},   KnownFlag{"all", false},
                              KnownFlag{"keep"},   KnownFlag{"missing"},
                              KnownFlag{"budget"}, KnownFlag{"days"}};

Result<Arguments> read_db_arguments(std::span<const std::string> args) {
  LOOM_TRY(Arguments found, read_arguments("db", args, kDbFlags));
  if (!found.has("data"))
    return error(Code::invalid_argument, "db needs --data DIR, the folder of the server");
  return found;
}

Result<const Command*> command_of(const Arguments& args) {
  const std::string name = args.rest.empty() ? "" : args.rest[0];
  const auto* const command = std::ranges::find(kDbCommands, name, &Command::name);
  if (command == kDbCommands.end())
    return error(Code::invalid_argument, "db has no command '{}'; see blastloom db --help", name);
  const std::size_t words = args.rest.size() - 1;
  if (words < command->least_words || words > command->most_words)
    return error(Code::invalid_argument, "db {} takes {}; see blastloom db --help", name, command->words);
  return command;
}

}  // namespace

Result<std::uint32_t> DbCall::number(std::string_view flag, std::uint32_t least) const {
  const std::string text = value(flag);
  const auto number = number_of<std::uint32_t>(text);
  if (!number || *number < least)
    return error(Code::invalid_argument, "--{}: a number from {} on is needed, not '{}'", flag, least, text);
  return *number;
}

Result<catalog::Snapshot> DbCall::snapshot() const {
  return words.size() > 1 ? snapshots.get(words[0], words[1]) : snapshots.current(words[0]);
}

int db_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    fmt::print("{}", kDbUsage);
    return args.empty() ? 1 : 0;
  }
  auto read = read_db_arguments(args);
  if (!read) return fail_db(read.error());
  const auto command = command_of(*read);
  if (!command) return fail_db(command.error());
  const fs::path data = read->value("data");
  auto snapshots = catalog::Snapshots::open(data / "databases");
  if (!snapshots) return fail_db(snapshots.error());
  const auto code = (*command)->run({.data = data,
                                     .snapshots = *std::move(snapshots),
                                     .words = {read->rest.begin() + 1, read->rest.end()},
                                     .arguments = *std::move(read)});
  return code ? *code : fail_db(code.error());
}

}  // namespace loom::app
