#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace loom::search {

/// Follows a search while it runs. Thread-safety: called from several threads, one call at a time.
class Watch {
 public:
  virtual ~Watch() = default;
  /// `tasks` engine runs are ahead, of which `done` were found finished (--resume). `letters`: the work of
  /// all, query letters times database parts.
  virtual void started(std::size_t tasks, std::size_t done, std::uint64_t letters,
                       std::uint64_t letters_done) = 0;
  virtual void task_done(std::uint64_t letters, double cpu_seconds) = 0;
  virtual void retried(std::string_view why) = 0;
  /// Everything is written.
  virtual void finished() = 0;
};

/// Does not look.
class NoWatch final : public Watch {
 public:
  void started(std::size_t /*tasks*/, std::size_t /*done*/, std::uint64_t /*letters*/,
               std::uint64_t /*letters_done*/) override {}
  void task_done(std::uint64_t /*letters*/, double /*cpu_seconds*/) override {}
  void retried(std::string_view /*why*/) override {}
  void finished() override {}
};

}  // namespace loom::search
