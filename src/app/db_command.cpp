#include "app/db_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "app/db_call.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUsage =
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

int fail(const Error& why) {
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

constexpr std::array kCommands{Command{"build", 1, 1, db_build, "NAME"},
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

struct Flag {
  std::string_view name;
  bool takes_value;
};
constexpr std::array kFlags{Flag{"--data", true},  Flag{"--in", true},         Flag{"--type", true},
                            Flag{"--title", true}, Flag{"--taxid", true},      Flag{"--taxid-map", true},
                            Flag{"--mask", true},  Flag{"--parse-ids", false}, Flag{"--append", false},
                            Flag{"--json", false}, Flag{"--all", false},       Flag{"--ids", true},
                            Flag{"--flank", true}, Flag{"--missing", true},    Flag{"--budget", true},
                            Flag{"--from", true},  Flag{"--keep", true},       Flag{"--days", true}};

struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::vector<std::string>> flags;
};

Result<Arguments> read_arguments(std::span<const std::string> args) {
  Arguments found;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (!args[i].starts_with("--")) {
      found.words.push_back(args[i]);
      continue;
    }
    const std::size_t equals = args[i].find('=');
    const std::string flag = args[i].substr(0, equals);
    const auto* const known = std::ranges::find(kFlags, flag, &Flag::name);
    if (known == kFlags.end())
      return error(Code::invalid_argument, "db has no flag '{}'; see blastloom db --help", flag);
    if (!known->takes_value) {
      found.flags[flag].emplace_back();
    } else if (equals != std::string::npos) {
      found.flags[flag].push_back(args[i].substr(equals + 1));
    } else if (i + 1 < args.size()) {
      found.flags[flag].push_back(args[++i]);
    } else {
      return error(Code::invalid_argument, "{}: a value is needed", flag);
    }
  }
  if (!found.flags.contains("--data"))
    return error(Code::invalid_argument, "db needs --data DIR, the folder of the server");
  return found;
}

Result<const Command*> command_of(const Arguments& args) {
  const std::string name = args.words.empty() ? "" : args.words[0];
  const auto* const command = std::ranges::find(kCommands, name, &Command::name);
  if (command == kCommands.end())
    return error(Code::invalid_argument, "db has no command '{}'; see blastloom db --help", name);
  const std::size_t words = args.words.size() - 1;
  if (words < command->least_words || words > command->most_words)
    return error(Code::invalid_argument, "db {} takes {}; see blastloom db --help", name, command->words);
  return command;
}

}  // namespace

std::string DbCall::value(const std::string& flag) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::string() : found->second.back();
}

Result<std::uint32_t> DbCall::number(const std::string& flag, std::uint32_t least) const {
  const std::string text = value(flag);
  std::uint32_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{} || end != text.data() + text.size() || number < least)
    return error(Code::invalid_argument, "{}: a number from {} on is needed, not '{}'", flag, least, text);
  return number;
}

Result<catalog::Snapshot> DbCall::snapshot() const {
  return words.size() > 1 ? snapshots.get(words[0], words[1]) : snapshots.current(words[0]);
}

int db_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    fmt::print("{}", kUsage);
    return args.empty() ? 1 : 0;
  }
  auto read = read_arguments(args);
  if (!read) return fail(read.error());
  const auto command = command_of(*read);
  if (!command) return fail(command.error());
  const fs::path data = read->flags["--data"].back();
  auto snapshots = catalog::Snapshots::open(data / "databases");
  if (!snapshots) return fail(snapshots.error());
  read->words.erase(read->words.begin());
  const auto code = (*command)->run({.data = data,
                                     .snapshots = *std::move(snapshots),
                                     .words = std::move(read->words),
                                     .flags = std::move(read->flags)});
  return code ? *code : fail(code.error());
}

}  // namespace loom::app
