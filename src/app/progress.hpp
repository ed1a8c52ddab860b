#pragma once
#include <cstdio>
#include <string>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "search/watch.hpp"

namespace loom::app {

/// Shows how far a search is, on one line of a terminal or as JSON lines.
/// Thread-safety: all methods, from any thread.
class Progress final : public search::Watch {
 public:
  enum class Style { off, line, json };
  Progress(Style style, std::FILE* to, const Clock& clock = steady_clock())
      : style_(style), to_(to), clock_(clock) {}
  ~Progress() override { clear(); }

  void started(std::size_t tasks, std::size_t done, std::uint64_t letters,
               std::uint64_t letters_done) override;
  void task_done(std::uint64_t letters, double cpu_seconds) override;
  void retried(std::string_view why) override;
  void finished() override;
  /// Takes the line off the terminal, so that other text can be printed.
  void clear() EXCLUDES(mutex_);

 private:
  [[nodiscard]] double seconds() const REQUIRES(mutex_);
  void show() REQUIRES(mutex_);
  void clear_line() REQUIRES(mutex_);

  Style style_;
  std::FILE* to_;
  const Clock& clock_;
  Mutex mutex_;
  Instant start_ GUARDED_BY(mutex_){};
  std::size_t tasks_ GUARDED_BY(mutex_) = 0;
  std::size_t done_ GUARDED_BY(mutex_) = 0;
  std::size_t found_ GUARDED_BY(mutex_) = 0;  // done before this run
  std::uint64_t letters_ GUARDED_BY(mutex_) = 0;
  std::uint64_t letters_done_ GUARDED_BY(mutex_) = 0;
  std::uint64_t letters_found_ GUARDED_BY(mutex_) = 0;
  double cpu_seconds_ GUARDED_BY(mutex_) = 0;
  bool on_screen_ GUARDED_BY(mutex_) = false;
};

/// "2:05", "1:02:03".
std::string clock_text(double seconds);

}  // namespace loom::app
