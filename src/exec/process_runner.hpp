#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace loom::exec {

/// Where a child's input comes from, or its output goes to.
struct DevNull {};
struct BorrowedFd {
  int fd;  ///< the caller's, open until run() returns; 0, 1 and 2 pass on our own streams
};
/// A path is opened for reading (input), or created or cut and written (output).
using Stream = std::variant<DevNull, std::filesystem::path, BorrowedFd>;

/// What a program needs to run on another machine, where the programs and databases are those of this one but
/// our files are not.
struct Portable {
  std::filesystem::path
      folder;  ///< absolute; its name stands for itself wherever argv and environment have it
  std::vector<std::filesystem::path> reads;  ///< files in it that the program reads, relative to it
  std::filesystem::path makes;  ///< a folder in it, all other files of which the program makes; relative
  int threads = 1;              ///< that the program runs at once
};

/// One program to run. Its stderr is always captured.
struct ProcessSpec {
  /// Never through a shell. argv[0] without '/' is looked up in our PATH.
  std::vector<std::string> argv;
  /// "NAME=value", added to our own environment or in place of what stands there.
  std::vector<std::string> environment;
  std::filesystem::path working_dir;  ///< empty: ours
  std::filesystem::path temp_dir;     ///< becomes the child's TMPDIR; empty: as ours
  /// A terminal is of no use as input: the child is in a group of its own, which the terminal stops when it
  /// reads.
  Stream input = DevNull{};
  Stream output = DevNull{};
  /// The child has what we were started with above 2, as the /dev/fd/63 of a shell's <(...). Only here.
  bool keeps_descriptors = false;
  /// Of a longer stderr the first and the last half of this are kept, with a note between them.
  std::size_t max_stderr_bytes = std::size_t{1} << 20U;
  std::optional<std::uint64_t> max_file_bytes;  ///< RLIMIT_FSIZE: the largest file it may write
  std::optional<std::uint64_t> max_data_bytes;  ///< RLIMIT_DATA: heap and private maps, not a mapped database
  /// Set: a runner may run it elsewhere (slurm/). `input` and `output` are then DevNull.
  std::optional<Portable> portable = {};
};

/// How a process ended by itself.
struct ProcessOutcome {
  int exit_code = 0;  ///< when signal is 0
  int signal = 0;     ///< that ended it, or 0
  Duration wall{};
  Duration cpu{};  ///< user and system; of the program itself and what it waited for
  /// Largest resident memory, mapped database pages included. Empty when it stayed below our own peak: the
  /// kernel counts the memory of the starting process in, and so hides a smaller one.
  std::optional<std::uint64_t> peak_rss_bytes = {};
  std::string stderr_text = {};
  /// A sentence for the user on what slowed it down though it ran; empty: nothing did.
  std::string note = {};

  [[nodiscard]] bool succeeded() const { return exit_code == 0 && signal == 0; }
};

/// Runs programs and waits for them.
/// Real: local/, slurm/. Test: testkit/fake_process_runner.hpp.
/// Thread-safety: run(), from any thread, at once; each call has one child.
/// Blocking: until the child has ended.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  /// Runs `spec` to its end. An outcome, whatever the exit code; explain_failure() (failure.hpp) reads it.
  /// On return no process of the child's group is left, and a path given as output may hold a part of the
  /// output. A program that is a shell script must start the real one by `exec`: else kill -9 of ours would
  /// spare it. Errors: cancelled when `stop` was requested, timed_out past `deadline` (both end the whole
  /// group, by SIGTERM, then SIGKILL); not_found or invalid_argument when the program, folder or input cannot
  /// be had; unavailable when the machine has no process to spare; out_of_memory.
  virtual Result<ProcessOutcome> run(const ProcessSpec& spec, Deadline deadline, std::stop_token stop) = 0;
};

}  // namespace loom::exec
