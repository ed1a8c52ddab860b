#include "app/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "exec/local/spawn.hpp"

namespace loom::app {

namespace {
/// But for those that whoever started us wants ignored, as nohup does.
sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) {
    struct sigaction now{};
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

/// As a terminal's Ctrl-Z stops other programs, until they are to go on. Each child leads a group, which a
/// terminal does not know.
void pause_all() {
  const exec::PausedChildren paused;
  raise(SIGSTOP);  // of this thread, which so does not go on before all the others stop
}
}  // namespace

Signals::Signals() {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader that went away is an error of write(2), not the end of us.
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::jthread([this, set](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      int signal = 0;
      if (sigwait(&set, &signal) != 0 || signal == SIGUSR2) continue;
      if (signal == SIGTSTP) {
        pause_all();
        continue;
      }
      if (received_ == 0) received_ = signal;
      source_.request_stop();
    }
  });
}

Signals::~Signals() {
  thread_.request_stop();
  pthread_kill(thread_.native_handle(), SIGUSR2);  // wakes sigwait
}

bool Signals::reader_gone() {
  pollfd out{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

int Signals::exit_by(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return 128 + signal;
}

}  // namespace loom::app
