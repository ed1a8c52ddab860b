#include "service/engine_version.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.hpp"
#include "base/guarded.hpp"
#include "blast/engine.hpp"

namespace loom::service {

namespace {
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kGood{1};
constexpr std::size_t kLongestLine = 200;
}  // namespace

EngineVersions::EngineVersions(exec::ProcessRunner& runner)
    : runner_(runner), first_([this](const std::stop_token& stop) {
        for (const blast::Program program : blast::kPrograms) {
          if (stop.stop_requested()) return;
          static_cast<void>(guarded([&] { return get(program, stop); }));
        }
      }) {}

Result<std::string> EngineVersions::get(blast::Program program, std::stop_token stop) {
  const Instant now = std::chrono::steady_clock::now();
  {
    const MutexLock lock(mutex_);
    const Recent& recent = recent_[program];
    if (now < recent.until) return recent.version;
  }
  LOOM_TRY(const std::filesystem::path engine, blast::find_engine(program));
  std::error_code unknown;
  const Key key(engine, std::filesystem::last_write_time(engine, unknown));
  std::optional<std::string> version = known(key);
  if (!version) {
    LOOM_TRY(version, ask(engine, std::move(stop)));
  }
  const MutexLock lock(mutex_);
  known_[key] = *version;
  recent_[program] = {*version, now + kGood};
  return *std::move(version);
}

std::optional<std::string> EngineVersions::known(const Key& key) {
  const MutexLock lock(mutex_);
  const auto found = known_.find(key);
  return found == known_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::string> EngineVersions::ask(const std::filesystem::path& engine, std::stop_token stop) {
  const Fd said(::memfd_create("version", MFD_CLOEXEC));
  if (!said) return system_error(errno, "memory for what an engine says of itself");
  exec::ProcessSpec ask;
  ask.argv = {engine.string(), "-version"};
  ask.output = exec::BorrowedFd{said.get()};
  LOOM_CHECKED(runner_.run(ask, Deadline::in(kPatience), std::move(stop)));
  // "blastp: 2.12.0+\n Package: …"
  std::string line(kLongestLine, '\0');
  const ssize_t got = ::pread(said.get(), line.data(), line.size(), 0);
  line.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  line.resize(std::min(line.find('\n'), line.size()));
  const std::size_t at = line.find(": ");
  if (at == std::string::npos) return error(Code::corrupt, "{} does not tell its version", engine.string());
  return line.substr(at + 2);
}

}  // namespace loom::service
