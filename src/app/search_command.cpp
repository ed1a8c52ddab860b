#include "app/search_command.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/explain.hpp"
#include "app/own_flags.hpp"
#include "app/progress.hpp"
#include "app/signals.hpp"
#include "blast/engine.hpp"
#include "exec/local/local_process_runner.hpp"
#include "search/local_search.hpp"
#include "search/scout.hpp"

namespace loom::app {

namespace {

constexpr int kReaderGone = 128 + SIGPIPE;
constexpr int kEngineFailed = 3;

/// BLAST+'s exit code for what went wrong before, or outside of, the engine.
int exit_code_of(const Error& error) {
  switch (error.code) {
    case Code::invalid_argument:
    case Code::not_found:
      return 1;
    case Code::corrupt:
      return 2;
    case Code::out_of_memory:
      return 4;
    case Code::disk_full:
      return 6;
    default:
      return 255;
  }
}

int fail(const Error& error, int exit_code) {
  fmt::print(stderr, "blastloom: {}\n", error.message);
  return exit_code;
}

/// Help and version are the engine's own, text and exit code.
int run_engine_instead(blast::Program program, std::span<const std::string> args) {
  const auto engine = blast::find_engine(program);
  if (!engine) return fail(engine.error(), exit_code_of(engine.error()));
  std::vector<std::string> copy{engine->string()};
  copy.insert(copy.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& arg : copy) argv.push_back(arg.data());
  argv.push_back(nullptr);
  ::execv(engine->c_str(), argv.data());
  return fail(system_error(errno, "start " + engine->string()), 255);
}

Progress::Style style_of(OwnFlags::Progress wanted) {
  switch (wanted) {
    case OwnFlags::Progress::off:
      return Progress::Style::off;
    case OwnFlags::Progress::json:
      return Progress::Style::json;
    case OwnFlags::Progress::text:
      return Progress::Style::line;
    case OwnFlags::Progress::automatic:
      break;
  }
  return ::isatty(STDERR_FILENO) != 0 ? Progress::Style::line : Progress::Style::off;
}

int run_search(search::LocalSearch& search, bool to_stdout, const OwnFlags& flags, const Signals& signals) {
  Progress progress(style_of(flags.progress), stderr);
  search::Messages messages(stderr, [&progress] { progress.clear(); });
  const Status status = search.run(progress, messages, signals.stop());
  progress.clear();
  if (status) return 0;
  if (signals.received() != 0) return 0;  // search_command ends by the signal, once all is put away
  if (to_stdout && Signals::reader_gone()) return kReaderGone;
  const bool odd_output = status.error().code == Code::corrupt;
  return fail(status.error(),
              search.engine_exit_code().value_or(odd_output ? kEngineFailed : exit_code_of(status.error())));
}

int prepare_and_run(search::Request request, const OwnFlags& flags, const Signals& signals) {
  const blast::Options options = request.options;
  exec::LocalProcessRunner runner;
  auto search = search::LocalSearch::prepare(std::move(request), runner);
  if (!search) {
    // BLAST+ exits with 2 when it is the database; all else that is read here are queries.
    const bool database = options.has("db") && !search::open_search_database(options);
    const int exit_code = search.error().code == Code::corrupt ? 1 : exit_code_of(search.error());
    return fail(search.error(), database ? 2 : exit_code);
  }
  if (flags.explain == Show::text) fmt::print("{}", explain_text(**search));
  if (flags.explain == Show::json) fmt::print("{}", explain_json(**search));
  if (flags.explain != Show::nothing) return 0;
  const auto* out = options.find("out");
  constexpr std::array kStdout{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
  const bool to_stdout = out == nullptr || std::ranges::find(kStdout, out->text) != kStdout.end();
  return run_search(**search, to_stdout, flags, signals);
}

}  // namespace

int search_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "-help") {
    fmt::print("{}", own_flags_help());
    return args.empty() ? 1 : 0;
  }
  const auto program = blast::parse_program(args[0]);
  if (!program) return fail(program.error(), 1);
  const auto flags = take_own_flags(args.subspan(1));
  if (!flags) return fail(flags.error(), 1);
  if (flags->help) {
    fmt::print("{}", own_flags_help());
    return 0;
  }
  if (blast::asks_for_help(*program, flags->engine_args))
    return run_engine_instead(*program, flags->engine_args);
  auto options = blast::parse_options(*program, flags->engine_args);
  if (!options) return fail(options.error(), 1);

  const Signals signals;
  const int exit_code = prepare_and_run({*std::move(options), flags->settings}, *flags, signals);
  if (const int signal = signals.received(); signal != 0) return Signals::exit_by(signal);
  if (exit_code == kReaderGone) return Signals::exit_by(SIGPIPE);  // without a word, as BLAST+ does
  return exit_code;
}

}  // namespace loom::app
