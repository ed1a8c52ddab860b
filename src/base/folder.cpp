#include "base/folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.hpp"

namespace loom {

Status sync_path(const std::filesystem::path& path) {
  const Fd open_path(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // EINVAL: the file system has no sync for it.
  if (!open_path || (::fsync(open_path.get()) != 0 && errno != EINVAL))
    return system_error(errno, "sync " + path.string());
  return ok();
}

}  // namespace loom
