#include "app/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace loom::app {

namespace {
sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR2}) sigaddset(&set, signal);
  return set;
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
