#include "service/engine_version.hpp"

#include "base/temp_dir.hpp"
#include "blast/engine.hpp"
#include "search/task_runner.hpp"

namespace loom::service {

namespace {
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kGood{1};
}  // namespace

Result<std::string> EngineVersions::get(blast::Program program) {
  const Instant now = std::chrono::steady_clock::now();
  const MutexLock lock(mutex_);
  Recent& recent = recent_[program];
  if (now < recent.until) return recent.version;
  LOOM_TRY(recent.version, ask(program));
  recent.until = now + kGood;
  return recent.version;
}

Result<std::string> EngineVersions::ask(blast::Program program) {
  LOOM_TRY(const std::filesystem::path engine, blast::find_engine(program));
  std::error_code unknown;
  const Key key(engine, std::filesystem::last_write_time(engine, unknown));
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  LOOM_TRY(const TempDir folder, TempDir::create(scratch_));
  exec::ProcessSpec ask;
  ask.argv = {engine.string(), "-version"};
  ask.output = folder.path() / "version";
  LOOM_CHECKED(runner_.run(ask, Deadline::in(kPatience), {}));
  // "blastp: 2.12.0+\n Package: …"
  LOOM_TRY(const std::string said, search::read_file(folder.path() / "version"));
  const std::string line = said.substr(0, said.find('\n'));
  const std::size_t at = line.find(": ");
  if (at == std::string::npos) return error(Code::corrupt, "{} does not tell its version", engine.string());
  return known_[key] = line.substr(at + 2);
}

}  // namespace loom::service
