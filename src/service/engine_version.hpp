#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "blast/program.hpp"
#include "exec/process_runner.hpp"

namespace loom::service {

/// Versions of the installed engines, asked once for each file. Which file it is is good for a second, so
/// that many submits in a row do not look through PATH again and again. Thread-safe. Blocking: a process the
/// first time.
class EngineVersions {
 public:
  /// `runner` is borrowed; `scratch` is a folder for files that nobody sees.
  EngineVersions(exec::ProcessRunner& runner, std::filesystem::path scratch)
      : runner_(runner), scratch_(std::move(scratch)) {}

  /// "2.12.0+". Errors: not_found without the engine; those of running it.
  Result<std::string> get(blast::Program program) EXCLUDES(mutex_);

 private:
  using Key = std::pair<std::filesystem::path, std::filesystem::file_time_type>;
  struct Recent {
    std::string version;
    Instant until{};
  };
  Result<std::string> ask(blast::Program program) REQUIRES(mutex_);

  exec::ProcessRunner& runner_;
  const std::filesystem::path scratch_;
  Mutex mutex_;
  std::map<Key, std::string> known_ GUARDED_BY(mutex_);
  std::map<blast::Program, Recent> recent_ GUARDED_BY(mutex_);
};

}  // namespace loom::service
