#include "exec/local/local_process_runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "base/check.hpp"
#include "base/fd.hpp"
#include "exec/local/bounded_text.hpp"
#include "exec/local/spawn.hpp"

namespace loom::exec {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPipeRead = std::size_t{64} << 10U;

Duration of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::uint64_t bytes_of(const rusage& usage) {
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

Status check(const ProcessSpec& spec) {
  if (spec.argv.empty() || spec.argv.front().empty())
    return error(Code::invalid_argument, "no program to run");
  for (const auto* texts : {&spec.argv, &spec.environment}) {
    for (const std::string& text : *texts) {
      if (text.find('\0') != std::string::npos) {
        return error(Code::invalid_argument, "{}: an argument holds a NUL byte", spec.argv.front());
      }
    }
  }
  return ok();
}

/// argv[0] as a path, found in PATH as a shell would.
Result<std::string> find_program(const std::string& name) {
  std::error_code failed;
  if (name.find('/') != std::string::npos) return fs::absolute(name, failed).string();
  const char* set = std::getenv("PATH");
  std::string_view path = set != nullptr ? set : "/usr/local/bin:/usr/bin:/bin";
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(folder.size() + 1, path.size()));
    const fs::path candidate = fs::path(folder.empty() ? "." : folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate, failed)) {
      return fs::absolute(candidate, failed).string();
    }
  }
  return error(Code::not_found, "{} is not in PATH; install it, or add its folder to PATH", name);
}

std::vector<std::string> environment_of(const ProcessSpec& spec) {
  std::vector<std::string> extra = spec.environment;
  if (!spec.temp_dir.empty()) extra.push_back("TMPDIR=" + spec.temp_dir.string());
  const auto replaced = [&extra](std::string_view ours) {
    const std::string_view name = ours.substr(0, ours.find('=') + 1);
    return std::any_of(extra.begin(), extra.end(), [&](const auto& own) { return own.starts_with(name); });
  };
  std::vector<std::string> all;
  for (char** ours = environ; *ours != nullptr; ++ours) {
    if (!replaced(*ours)) all.emplace_back(*ours);
  }
  all.insert(all.end(), extra.begin(), extra.end());
  return all;
}

/// Above 2, so that placing one stream never closes another.
Result<Fd> above_streams(int fd, std::string_view what) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return system_error(errno, what);
  return copy;
}

Result<Fd> open_stream(const Stream& stream, int flags, std::string_view what) {
  if (const auto* borrowed = std::get_if<BorrowedFd>(&stream)) return above_streams(borrowed->fd, what);
  const auto* path = std::get_if<fs::path>(&stream);
  const std::string name = path != nullptr ? path->string() : "/dev/null";
  const Fd opened(::open(name.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666));
  if (!opened) return system_error(errno, fmt::format("{} {}", what, name));
  return above_streams(opened.get(), what);
}

/// One child from its start to its wait, and what it says on stderr.
class RunningChild {
 public:
  RunningChild(Child child, Fd complaints, std::size_t max_stderr_bytes)
      : child_(std::move(child)), complaints_(std::move(complaints)), stderr_(max_stderr_bytes) {}
  RunningChild(const RunningChild&) = delete;
  RunningChild& operator=(const RunningChild&) = delete;
  /// Only an exception in the middle leaves a child here.
  ~RunningChild() {
    if (!reaped_) static_cast<void>(reap());
  }

  /// Waits for the next of: the child's end, some stderr, `wake_fd` readable (-1: not watched), `until`.
  struct Events {
    bool ended = false;
    bool woken = false;
  };
  Events wait(int wake_fd, Instant until) {
    std::array<pollfd, 3> watched{pollfd{child_.pidfd.get(), POLLIN, 0}, pollfd{complaints_.get(), POLLIN, 0},
                                  pollfd{wake_fd, POLLIN, 0}};
    timespec left{};
    const timespec* timeout = nullptr;
    if (until != Instant::max()) {
      const auto wait = std::max<std::chrono::nanoseconds>(until - steady_clock().now(), {});
      const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
      left = {static_cast<time_t>(seconds.count()), static_cast<long>((wait - seconds).count())};
      timeout = &left;
    }
    if (::ppoll(watched.data(), watched.size(), timeout, nullptr) < 0) {
      LOOM_CHECK(errno == EINTR || errno == ENOMEM, "poll watches open descriptors");
      return {};
    }
    if (watched[1].revents != 0) read_stderr();
    return {watched[0].revents != 0, watched[2].revents != 0};
  }

  void signal_group(int number) const { ::kill(-child_.pid, number); }

  /// Ends what is left of the group (the zombie keeps its number ours), takes the last of stderr, waits.
  struct Wait {
    int status = 0;
    rusage usage{};
  };
  Wait reap() {
    signal_group(SIGKILL);
    Wait wait;
    reaped_ = true;
    while (::wait4(child_.pid, &wait.status, 0, &wait.usage) < 0) {
      LOOM_CHECK(errno == EINTR, "a child is waited for here and nowhere else");
    }
    // At most a full pipe: a process that left the group may go on writing.
    constexpr int kMaxReads = 16;
    for (int reads = 0; reads < kMaxReads && complaints_; ++reads) {
      if (!read_stderr()) break;
    }
    return wait;
  }

  [[nodiscard]] std::string stderr_text() const { return stderr_.str(); }

 private:
  /// Takes what is there; false if nothing was. Closes at the end.
  bool read_stderr() {
    std::array<char, kPipeRead> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it.
    const ssize_t got = ::read(complaints_.get(), buffer.data(), buffer.size());
    if (got > 0) stderr_.append({buffer.data(), static_cast<std::size_t>(got)});
    if (got == 0) complaints_.reset();
    return got > 0;
  }

  Child child_;
  Fd complaints_;
  BoundedText stderr_;
  bool reaped_ = false;
};

/// Waits for the end; on a stop or past the deadline brings it about and says which it was.
Status wait_for_end(RunningChild& child, int wake_fd, Deadline deadline, Duration grace,
                    std::string_view program) {
  Status verdict = ok();
  Instant until = deadline.when();
  for (;;) {
    const auto events = child.wait(verdict ? wake_fd : -1, until);
    if (events.ended) return verdict;
    const bool late = steady_clock().now() >= until;
    if (!events.woken && !late) continue;
    if (verdict) {
      verdict = events.woken ? error(Code::cancelled, "{} was stopped on request", program)
                             : error(Code::timed_out, "{} ran past its deadline and was stopped", program);
      child.signal_group(SIGTERM);
      until = steady_clock().now() + grace;
    } else {
      child.signal_group(SIGKILL);
      until = Instant::max();
    }
  }
}

struct Started {
  Child child;
  Fd complaints;
};

Result<Started> start(const ProcessSpec& spec) {
  const std::string& program = spec.argv.front();
  LOOM_TRY(std::string path, find_program(program));
  LOOM_TRY(Fd input, open_stream(spec.input, O_RDONLY, program + ": open its input"));
  LOOM_TRY(Fd output, open_stream(spec.output, O_WRONLY | O_CREAT | O_TRUNC, program + ": open its output"));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, program + ": make a pipe");
  Fd complaints(ends[0]);
  const Fd writing(ends[1]);
  if (::fcntl(complaints.get(), F_SETFL, O_NONBLOCK) != 0)
    return system_error(errno, program + ": make a pipe");
  LOOM_TRY(Fd errors, above_streams(writing.get(), program + ": make a pipe"));
  const Launch launch{std::move(path),
                      spec.argv,
                      environment_of(spec),
                      spec.working_dir.string(),
                      {std::move(input), std::move(output), std::move(errors)},
                      spec.keeps_descriptors,
                      spec.max_file_bytes,
                      spec.max_data_bytes};
  LOOM_TRY(Child child, spawn(launch));
  return Started{std::move(child), std::move(complaints)};
}

}  // namespace

LocalProcessRunner::LocalProcessRunner(Duration grace) : grace_(grace) {
  // Some callers leave SIGCHLD ignored to those they start; the kernel then throws away how a child ended.
  struct sigaction now{};
  if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) {
    now.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &now, nullptr);
  }
}

Result<ProcessOutcome> LocalProcessRunner::run(const ProcessSpec& spec, Deadline deadline,
                                               std::stop_token stop) {
  LOOM_CHECKED(check(spec));
  const std::string& program = spec.argv.front();
  if (stop.stop_requested())
    return error(Code::cancelled, "{} was not started: a stop was requested", program);
  if (deadline.passed())
    return error(Code::timed_out, "{} was not started: its deadline had passed", program);

  const Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return system_error(errno, program + ": make an eventfd");
  const std::stop_callback on_stop(stop, [&wake] { ::eventfd_write(wake.get(), 1); });

  rusage ours{};
  ::getrusage(RUSAGE_SELF, &ours);
  const Instant begin = steady_clock().now();
  LOOM_TRY(Started started, start(spec));
  RunningChild child(std::move(started.child), std::move(started.complaints), spec.max_stderr_bytes);
  const Status verdict = wait_for_end(child, wake.get(), deadline, grace_, program);
  const auto wait = child.reap();
  if (!verdict) return verdict.error();

  ProcessOutcome outcome;
  outcome.exit_code = WIFEXITED(wait.status) ? WEXITSTATUS(wait.status) : 0;
  outcome.signal = WIFSIGNALED(wait.status) ? WTERMSIG(wait.status) : 0;
  outcome.wall = steady_clock().now() - begin;
  outcome.cpu = of(wait.usage.ru_utime) + of(wait.usage.ru_stime);
  // The kernel counts pages per CPU and in bulk, so two readings of one memory differ by some hundred KiB.
  constexpr std::uint64_t kCountingError = std::uint64_t{4} << 20U;
  if (bytes_of(wait.usage) > bytes_of(ours) + kCountingError) outcome.peak_rss_bytes = bytes_of(wait.usage);
  outcome.stderr_text = child.stderr_text();
  return outcome;
}

}  // namespace loom::exec
