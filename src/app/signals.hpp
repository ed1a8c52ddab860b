#pragma once
#include <atomic>
#include <stop_token>
#include <thread>

namespace loom::app {

/// Turns SIGINT, SIGTERM and SIGHUP into a stop request, and has children pause with us at SIGTSTP; a signal
/// that is ignored at the start stays so. Make it before any other thread starts: the signals
/// stay blocked in all threads that follow, and one thread waits for them.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] std::stop_token stop() const { return source_.get_token(); }
  /// The first signal that came, or 0.
  [[nodiscard]] int received() const { return received_; }

  /// Whether standard output is a pipe that nobody reads any more (`| head`).
  static bool reader_gone();
  /// Ends this process by `signal` itself, as a shell expects of an interrupted command. Returns only if that
  /// fails.
  static int exit_by(int signal);

 private:
  std::stop_source source_;
  std::atomic<int> received_ = 0;
  std::jthread thread_;
};

}  // namespace loom::app
