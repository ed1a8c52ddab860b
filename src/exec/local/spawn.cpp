#include "exec/local/spawn.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace loom::exec {
namespace {

enum class Step { parent_gone, death_signal, group, streams, working_dir, limits, exec };

/// What a child that could not become its program says through the report pipe.
struct Refusal {
  Step step;
  int number;  // errno
};

/// The launch as the kernel takes it.
struct RawLaunch {
  const Launch* launch;
  char* const* argv;
  char* const* environment;
  pid_t parent;
  int report;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> raw;
  raw.reserve(texts.size() + 1);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): execve does not write to them.
  for (const std::string& text : texts) raw.push_back(const_cast<char*>(text.c_str()));
  raw.push_back(nullptr);
  return raw;
}

bool limit(__rlimit_resource resource, std::uint64_t bytes) {
  const rlimit both{bytes, bytes};
  return ::setrlimit(resource, &both) == 0;
}

bool set_limits(const Launch& launch) {
  return limit(RLIMIT_CORE, 0) && (!launch.max_file_bytes || limit(RLIMIT_FSIZE, *launch.max_file_bytes)) &&
         (!launch.max_data_bytes || limit(RLIMIT_DATA, *launch.max_data_bytes));
}

bool place_streams(const Launch& launch) {
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(launch.streams[static_cast<std::size_t>(fd)].get(), fd) < 0) return false;
  }
  // Whatever another thread or a library opened without close-on-exec stays ours. An old kernel lacks the
  // call.
  if (!launch.keeps_descriptors) ::close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  return true;
}

/// A handler of ours must never run in the child, which shares our memory; and a signal that we ignore (a
/// server ignores SIGPIPE) would stay ignored in the program.
void reset_signals() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

/// The child's whole life before its program. Async-signal-safe calls only.
[[noreturn]] void become_program(const RawLaunch& raw) {
  const auto refuse = [&raw](Step step) {
    const Refusal refusal{step, errno};
    // Nobody is left to tell if this fails; the exit code stands for it.
    static_cast<void>(!::write(raw.report, &refusal, sizeof refusal));
    ::_exit(127);
  };
  const Launch& launch = *raw.launch;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) refuse(Step::death_signal);
  if (::getppid() != raw.parent) refuse(Step::parent_gone);  // it ended before the line above
  if (::setpgid(0, 0) != 0) refuse(Step::group);
  if (!place_streams(launch)) refuse(Step::streams);
  if (!launch.working_dir.empty() && ::chdir(launch.working_dir.c_str()) != 0) refuse(Step::working_dir);
  if (!set_limits(launch)) refuse(Step::limits);
  reset_signals();
  ::execve(launch.program.c_str(), raw.argv, raw.environment);
  refuse(Step::exec);
  __builtin_unreachable();
}

/// vfork costs the same however much memory we hold, and stops only this thread. The child runs on our stack
/// until its exec, so this function keeps nothing in locals but the number.
[[gnu::noinline]] pid_t fork_into(const RawLaunch& raw) {
  // NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork,bugprone-unsafe-functions): see above.
  const pid_t pid = ::vfork();
  if (pid == 0) become_program(raw);  // NOLINT(clang-analyzer-unix.Vfork)
  return pid;
}

Error explain(const Refusal& refusal, const Launch& launch) {
  const std::string_view program = launch.argv.front();
  switch (refusal.step) {
    case Step::working_dir:
      return system_error(refusal.number, fmt::format("{}: enter {}", program, launch.working_dir));
    case Step::limits: {
      Error error = system_error(refusal.number, fmt::format("{}: set its limits", program));
      error.message += "; a limit cannot be set above this session's own (ulimit -H)";
      return error;
    }
    case Step::exec:
      break;
    default:
      return system_error(refusal.number, fmt::format("{}: prepare its process", program));
  }
  Error error = system_error(refusal.number, fmt::format("cannot run {}", program));
  if (refusal.number == EACCES)
    error.message += "; make it executable (chmod +x), and its folders searchable";
  if (refusal.number == ENOENT) error.message += "; install it, or its interpreter if it is a script";
  if (refusal.number == ENOEXEC) {
    error.code = Code::invalid_argument;
    error.message += "; it is not a program for this machine, or a script without a first line #!";
  }
  if (refusal.number == E2BIG) error.message += "; its arguments and environment are too long, use files";
  return error;
}

Result<Child> adopt(pid_t pid, const Launch& launch, int report) {
  Refusal refusal{};
  ssize_t got = 0;
  do {
    got = ::read(report, &refusal, sizeof refusal);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof refusal)) {
    ::waitpid(pid, nullptr, 0);
    return explain(refusal, launch);
  }
  // Not pidfd_open(): glibc 2.36 declares it without extern "C".
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd) return Child{pid, std::move(pidfd)};
  const int number = errno;
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return system_error(number,
                      fmt::format("{}: watch its process (Linux 5.3 or later does)", launch.argv.front()));
}

/// Held (shared) from before a child is there until it is its program, in a group of its own.
std::shared_mutex& starts() {
  static std::shared_mutex mutex;
  return mutex;
}

void signal_children(int signal) {
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) ::kill(-child, signal);
  }
}

}  // namespace

PausedChildren::PausedChildren() : none_starts_(starts()) {
  signal_children(SIGSTOP);
}

PausedChildren::~PausedChildren() {
  signal_children(SIGCONT);
}

Result<Child> spawn(const Launch& launch) {
  const std::vector<char*> argv = pointers(launch.argv);
  const std::vector<char*> environment = pointers(launch.environment);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "make a pipe");
  const Fd report(ends[0]);
  Fd refusals(ends[1]);

  const std::shared_lock starting(starts());
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork_into({&launch, argv.data(), environment.data(), ::getpid(), refusals.get()});
  const int number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (pid < 0) {
    Error error = system_error(number, fmt::format("start {}", launch.argv.front()));
    if (number == EAGAIN) error.message += "; too many processes, raise ulimit -u or run fewer jobs";
    return error;
  }
  refusals.reset();
  return adopt(pid, launch, report.get());
}

}  // namespace loom::exec
