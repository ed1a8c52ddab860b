#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "blast/program.hpp"
#include "exec/process_runner.hpp"

namespace loom::service {

/// Versions of the installed engines, asked once for each file, and those of all programs from the start on,
/// so that the first submit need not wait for that. Which file it is is good for a second, so that many
/// submits in a row do not look through PATH again and again. Thread-safe. Blocking: a process for an engine
/// that was not asked yet; of calls at once each may start its own.
class EngineVersions {
 public:
  /// `runner` is borrowed.
  explicit EngineVersions(exec::ProcessRunner& runner);

  /// "2.12.0+". Errors: not_found without the engine; those of running it.
  Result<std::string> get(blast::Program program, std::stop_token stop = {}) EXCLUDES(mutex_);

 private:
  using Key = std::pair<std::filesystem::path, std::filesystem::file_time_type>;
  struct Recent {
    std::string version;
    Instant until{};
  };
  std::optional<std::string> known(const Key& key) EXCLUDES(mutex_);
  Result<std::string> ask(const std::filesystem::path& engine, std::stop_token stop);

  exec::ProcessRunner& runner_;
  Mutex mutex_;
  std::map<Key, std::string> known_ GUARDED_BY(mutex_);
  std::map<blast::Program, Recent> recent_ GUARDED_BY(mutex_);
  std::jthread first_;
};

}  // namespace loom::service
