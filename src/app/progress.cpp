#include "app/progress.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

namespace loom::app {

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(std::max(0.0, seconds)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

double Progress::seconds() const {
  return seconds_of(clock_.now() - start_);
}

void Progress::started(std::size_t tasks, std::size_t done, std::uint64_t letters,
                       std::uint64_t letters_done) {
  const MutexLock lock(mutex_);
  start_ = clock_.now();
  tasks_ = tasks;
  done_ = found_ = done;
  letters_ = letters;
  letters_done_ = letters_found_ = letters_done;
  show();
}

void Progress::task_done(std::uint64_t letters, double cpu_seconds) {
  const MutexLock lock(mutex_);
  ++done_;
  letters_done_ = std::min(letters_, letters_done_ + letters);
  cpu_seconds_ += cpu_seconds;
  show();
}

void Progress::retried(std::string_view why) {
  const MutexLock lock(mutex_);
  if (style_ == Style::off) return;
  clear_line();
  if (style_ == Style::json) {
    fmt::print(to_, "{{\"event\":\"retry\",\"seconds\":{:.3f}}}\n", seconds());
  } else {
    fmt::print(to_, "blastloom: trying again: {}\n", why);
  }
}

void Progress::finished() {
  const MutexLock lock(mutex_);
  if (style_ == Style::json) {
    fmt::print(to_, "{{\"event\":\"finished\",\"seconds\":{:.3f}}}\n", seconds());
    std::fflush(to_);
  }
  clear_line();
}

void Progress::show() {
  if (style_ == Style::off) return;
  const double passed = seconds();
  const double rate = passed > 0 ? static_cast<double>(letters_done_ - letters_found_) / passed : 0;
  const double left = rate > 0 ? static_cast<double>(letters_ - letters_done_) / rate : -1;
  if (style_ == Style::json) {
    fmt::print(
        to_,
        "{{\"event\":\"progress\",\"tasks\":{},\"tasks_done\":{},\"letters\":{},\"letters_done\":{},"
        "\"letters_per_second\":{:.1f},\"cpu_seconds\":{:.3f},\"seconds\":{:.3f},\"eta_seconds\":{}}}\n",
        tasks_, done_, letters_, letters_done_, rate, cpu_seconds_, passed,
        left < 0 ? std::string("null") : fmt::format("{:.1f}", left));
  } else {
    fmt::print(to_, "\r\033[K{}/{} tasks  {:.0f} letters/s  {}", done_, tasks_, rate,
               left < 0 ? std::string("ETA unknown") : "ETA " + clock_text(left));
    on_screen_ = true;
  }
  std::fflush(to_);
}

void Progress::clear() {
  const MutexLock lock(mutex_);
  clear_line();
}

void Progress::clear_line() {
  if (!on_screen_) return;
  fmt::print(to_, "\r\033[K");
  std::fflush(to_);
  on_screen_ = false;
}

}  // namespace loom::app
