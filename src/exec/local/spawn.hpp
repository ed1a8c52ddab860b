#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace loom::exec {

/// All that a child needs, made ready before it exists: between fork and exec nothing may allocate or lock.
struct Launch {
  std::string program;                   ///< path to execute
  std::vector<std::string> argv;         ///< not empty
  std::vector<std::string> environment;  ///< whole, "NAME=value"
  std::string working_dir;               ///< empty: ours
  std::array<Fd, 3> streams;             ///< become 0, 1, 2; each above 2 and close-on-exec
  bool keeps_descriptors = false;        ///< those above 2 without close-on-exec
  std::optional<std::uint64_t> max_file_bytes;
  std::optional<std::uint64_t> max_data_bytes;
};

/// A started child that leads a process group of its own number.
struct Child {
  pid_t pid;
  Fd pidfd;  ///< readable once it has ended; it stays a zombie until wait4
};

/// Starts `launch`. The child gets SIGKILL when the calling thread ends, so the caller stays until it has
/// waited. Thread-safe. Errors: those of the failed step, which is named with the program.
Result<Child> spawn(const Launch& launch);

/// While it lives, the groups of all children of this process stand still (SIGSTOP), and none is started.
class PausedChildren {
 public:
  PausedChildren();
  ~PausedChildren();
  PausedChildren(const PausedChildren&) = delete;
  PausedChildren& operator=(const PausedChildren&) = delete;

 private:
  std::unique_lock<std::shared_mutex> none_starts_;
};

}  // namespace loom::exec
