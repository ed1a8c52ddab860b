#include "base/folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.hpp"

namespace loom {

Status make_folders(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return system_error(failed.value(), "make folder " + folder.string());
  return ok();
}

Status sync_path(const std::filesystem::path& path) {
  const Fd open_path(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // EINVAL: the file system has no sync for it.
  if (!open_path || (::fsync(open_path.get()) != 0 && errno != EINVAL))
    return system_error(errno, "sync " + path.string());
  return ok();
}

Status sync_all(const std::filesystem::path& folder) {
  LOOM_CHECKED(for_entries(folder, [](const std::filesystem::directory_entry& entry) {
    std::error_code unknown;
    return entry.is_regular_file(unknown) ? sync_path(entry.path()) : ok();
  }));
  return sync_path(folder);
}

}  // namespace loom
