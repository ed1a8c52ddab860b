#include "exec/failure.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>

#include "base/check.hpp"
#include "base/text.hpp"

namespace loom::exec {
namespace {

constexpr std::size_t kMaxQuoteBytes = 300;

/// A cause and its remedy. `advice` completes "PROGRAM: ...; ".
struct Cause {
  FailureClass failure_class;
  bool retryable;
  std::string_view what;
  std::string_view advice;
};

constexpr Cause kInput{FailureClass::input, false, "refused the query or an option",
                       "correct it and search again"};
constexpr Cause kNoSequence{FailureClass::input, false, "found no sequence among the queries",
                            "give sequences themselves as FASTA, for accessions would be fetched from NCBI, "
                            "and check that -query_loc lies within them"};
constexpr Cause kNoTaxon{FailureClass::input, false, "knows none of the taxids in the database",
                         "name species or what is below them, which get_species_taxids.sh lists, and check "
                         "that the database has taxids (blastdbcmd -tax_info)"};
constexpr Cause kNoFile{FailureClass::input, false, "could not read a file that an option names",
                        "check the paths of the options"};
constexpr Cause kDatabase{FailureClass::database, false, "cannot read the database",
                          "check its name and BLASTDB, and its files with blastdbcheck"};
constexpr Cause kDamaged{FailureClass::database, false,
                         "crashed, as it does on a damaged or truncated database",
                         "check the database with blastdbcheck, and the memory limit if one is set"};
constexpr Cause kChanged{
    FailureClass::database, false, "lost its database while reading it",
    "do not replace a database in use, and check its disk and its files with blastdbcheck"};
constexpr Cause kMemory{FailureClass::memory, false, "ran out of memory",
                        "run fewer jobs at once, search a smaller piece, or raise the memory limit"};
constexpr Cause kKilled{FailureClass::memory, true,
                        "was killed, most likely because the machine ran out of memory",
                        "run fewer jobs at once or split the database into more shards"};
constexpr Cause kDisk{FailureClass::disk, false, "could not write its output",
                      "free space, or choose another disk for the output and for TMPDIR"};
constexpr Cause kFileLimit{FailureClass::disk, false, "wrote a file larger than the limit allows",
                           "raise the file size limit (ulimit -f) or search fewer queries at once"};
constexpr Cause kNetwork{FailureClass::engine, true, "could not reach NCBI",
                         "check the network and try again"};
constexpr Cause kEngine{FailureClass::engine, false, "failed inside the program",
                        "run the same search with it alone, and report it if it fails there too"};
constexpr Cause kNotRun{FailureClass::engine, false, "could not be run", "check its installation"};
constexpr Cause kEnded{FailureClass::lost, true, "was ended from outside", "run it again"};
constexpr Cause kClosed{FailureClass::lost, false, "lost the reader of its output", "keep the reader open"};
constexpr Cause kTooLong{FailureClass::timeout, true, "took too long",
                         "allow it more time or search fewer queries at once"};

/// Words and what they are a sign of; the first that stands in stderr decides. Causes that bring others with
/// them (no memory, no space) stand first.
struct Sign {
  std::string_view words;
  const Cause* cause;
};
constexpr std::array kSigns{
    Sign{"std::bad_alloc", &kMemory},
    Sign{"Cannot allocate memory", &kMemory},
    Sign{"ut of memory", &kMemory},
    Sign{"failed to map segment from shared object", &kMemory},
    Sign{"No space left on device", &kDisk},
    Sign{"Disk quota exceeded", &kDisk},
    Sign{"failed to write output", &kDisk},
    Sign{"write fault", &kDisk},
    Sign{"basic_ios::clear", &kDisk},  // some formats end by SIGABRT when a write fails
    Sign{"error while loading shared libraries", &kNotRun},
    Sign{"Command line argument error", &kInput},
    Sign{"(CArgException::", &kInput},
    Sign{"BLAST query error", &kInput},
    Sign{"BLAST query/options error", &kInput},
    Sign{"BLAST options error", &kInput},
    Sign{"Sequence contains no data", &kInput},
    Sign{"Formatting choice is out of range", &kInput},
    Sign{"Invalid specification of", &kInput},  // -query_loc
    Sign{"Empty CBlastQueryVector", &kNoSequence},
    Sign{"To be memory mapped the file must exist", &kNoFile},
    Sign{"Unable to create connection with network dispatcher", &kNetwork},
    Sign{"(CSerialException::", &kDatabase},
    Sign{"(CSeqDBException::", &kDatabase},
    Sign{"Cannot memory map", &kDatabase},      // a file of rpsblast's
    Sign{"CBlastTracebackSearch", &kDatabase},  // its null pointer: a sequence volume is missing
    Sign{"Taxonomy ID(s) not found", &kNoTaxon},
    Sign{"BLAST Database error", &kDatabase},
};

const Cause& cause_of_signal(int signal, std::string_view program) {
  switch (signal) {
    case SIGKILL:
      return kKilled;
    case SIGSEGV:
      return kDamaged;
    // makeblastdb maps the index that it writes: a full disk reaches it as SIGBUS.
    case SIGBUS:
      return program == "makeblastdb" ? kDisk : kChanged;
    case SIGXFSZ:
      return kFileLimit;
    case SIGXCPU:
      return kTooLong;
    case SIGPIPE:
      return kClosed;
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
    case SIGQUIT:
      return kEnded;
    default:
      return kEngine;
  }
}

const Cause& cause_of_exit(int code, std::string_view program) {
  if (code > 128 && code < 128 + NSIG) return cause_of_signal(code - 128, program);
  switch (code) {
    case 1:
      return kInput;
    case 2:
      return kDatabase;
    case 4:
      return kMemory;
    case 5:
      return kNetwork;
    case 6:
      return kDisk;
    case 126:
    case 127:
      return kNotRun;
    default:
      return kEngine;
  }
}

std::string_view line_around(std::string_view text, std::size_t at) {
  const std::size_t before = text.rfind('\n', at);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  return trimmed(text.substr(begin, text.find('\n', at) - begin));
}

/// The line that says most: the one with the sign, else the last one.
std::string_view quote(std::string_view stderr_text, std::size_t sign_at) {
  const std::string_view all = trimmed(stderr_text);
  if (all.empty()) return {};
  const std::string_view line = sign_at == std::string_view::npos ? line_around(all, all.size() - 1)
                                                                  : line_around(stderr_text, sign_at);
  return line.substr(0, kMaxQuoteBytes);
}

std::string ending(const ProcessOutcome& outcome) {
  return outcome.signal != 0 ? fmt::format("signal {}", outcome.signal)
                             : fmt::format("exit code {}", outcome.exit_code);
}

}  // namespace

std::string_view name(FailureClass failure_class) {
  switch (failure_class) {
    case FailureClass::input:
      return "input";
    case FailureClass::memory:
      return "memory";
    case FailureClass::disk:
      return "disk";
    case FailureClass::database:
      return "database";
    case FailureClass::engine:
      return "engine";
    case FailureClass::lost:
      return "lost";
    case FailureClass::timeout:
      return "timeout";
  }
  LOOM_CHECK(false, "a FailureClass outside its enumerators");
}

Failure explain_failure(const ProcessOutcome& outcome, std::string_view program) {
  LOOM_CHECK(!outcome.succeeded(), "only a failure is explained");
  const Cause* cause = nullptr;
  std::size_t sign_at = std::string_view::npos;
  for (const Sign& sign : kSigns) {
    sign_at = outcome.stderr_text.find(sign.words);
    if (sign_at == std::string::npos) continue;
    cause = sign.cause;
    break;
  }
  if (cause == nullptr) {
    cause = outcome.signal != 0 ? &cause_of_signal(outcome.signal, program)
                                : &cause_of_exit(outcome.exit_code, program);
  }
  const std::string_view words = quote(outcome.stderr_text, sign_at);
  std::string sentence =
      words.empty()
          ? fmt::format("{} {} ({}); {}", program, cause->what, ending(outcome), cause->advice)
          : fmt::format("{} {} ({}: {}); {}", program, cause->what, ending(outcome), words, cause->advice);
  return {cause->failure_class, cause->retryable, std::move(sentence)};
}

Failure explain_failure(const Error& error, std::string_view program) {
  switch (error.code) {
    case Code::timed_out:
      return {FailureClass::timeout, true, fmt::format("{}; {}", error.message, kTooLong.advice)};
    case Code::cancelled:
    case Code::unavailable:
      return {FailureClass::lost, true, error.message};
    case Code::out_of_memory:
      return {FailureClass::memory, false, fmt::format("{}; {}", error.message, kMemory.advice)};
    case Code::disk_full:
      return {FailureClass::disk, false, fmt::format("{}; {}", error.message, kDisk.advice)};
    default:
      return {FailureClass::engine, retryable(error.code),
              fmt::format("{} {}: {}", program, kNotRun.what, error.message)};
  }
}

}  // namespace loom::exec
