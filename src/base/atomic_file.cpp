#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "base/folder.hpp"
#include "base/number.hpp"
#include "base/random.hpp"
#include "base/temp_dir.hpp"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kNewFile = 0666;  // less the umask
constexpr int kNameAttempts = 100;

/// 1 for /dev/stdout, N for /dev/fd/N. Opening these by name would cut a file that the shell opened with >>.
std::optional<int> descriptor_named_by(const std::string& path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    if (const auto number = number_of<int>(std::string_view(path).substr(folder.size())); number)
      return number;
  }
  return std::nullopt;
}

/// What `path` names at the end of its chain of symbolic links, which need not exist.
Result<fs::path> follow_links(fs::path path) {
  constexpr int kMaxLinks = 40;  // the kernel's own limit
  for (int links = 0; links < kMaxLinks; ++links) {
    std::error_code failed;
    const fs::path next = fs::read_symlink(path, failed);
    if (failed) return path;
    path = path.parent_path() / next;
  }
  return error(Code::invalid_argument, "{}: too many symbolic links; write to the file itself",
               path.string());
}

std::string hidden_name(const fs::path& target) {
  return fmt::format(".{}.{}.part", target.filename().string(), random_token().substr(0, 8));
}

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : ".";
}

Error failed_to(std::string_view what, const fs::path& target) {
  Error error = system_error(errno, fmt::format("{} {}", what, target.string()));
  if (error.code == Code::disk_full) error.message += "; free some space or write to another disk";
  return error;
}

}  // namespace

AtomicFile::AtomicFile(fs::path target, Fd fd, Kind kind, fs::path hidden)
    : target_(std::move(target)), fd_(std::move(fd)), kind_(kind), hidden_(std::move(hidden)) {}

Result<AtomicFile> AtomicFile::create(fs::path target) {
  if (const auto number = descriptor_named_by(target.string())) {
    Fd copy(::fcntl(*number, F_DUPFD_CLOEXEC, 0));
    if (!copy) return failed_to("open", target);
    return AtomicFile(std::move(target), std::move(copy), Kind::straight, {});
  }
  struct stat found{};
  const bool exists = ::stat(target.c_str(), &found) == 0;
  if (exists && !S_ISREG(found.st_mode)) {
    Fd through(::open(target.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!through) return failed_to("open", target);
    return AtomicFile(std::move(target), std::move(through), Kind::straight, {});
  }
  if (exists && ::access(target.c_str(), W_OK) != 0) return failed_to("replace", target);
  LOOM_TRY(fs::path end, follow_links(std::move(target)));
  auto file = open_new(end);
  if (!exists) return file;
  // The owner first: a change of owner takes away some of the mode.
  if (file && ::fchown(file->fd(), found.st_uid, found.st_gid) == 0 &&
      ::fchmod(file->fd(), found.st_mode & 07777U) == 0)
    return file;
  if (!file) {
    auto elsewhere = open_new(TempDir::default_parent() / end.filename());
    if (!elsewhere) return file;
    file = std::move(elsewhere);
    file->target_ = std::move(end);
  }
  file->kind_ = Kind::in_place;
  return file;
}

Result<AtomicFile> AtomicFile::open_new(fs::path target) {
  if (!target.has_filename()) {
    return error(Code::invalid_argument, "'{}' does not name a file to write", target.string());
  }
  const fs::path folder = folder_of(target);
  Fd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kNewFile));
  if (fd) return AtomicFile(std::move(target), std::move(fd), Kind::nameless, {});
  // EOPNOTSUPP: the file system; EISDIR: a kernel or FUSE layer that does not know the flag.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return failed_to("open", target);
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    fs::path hidden = folder / hidden_name(target);
    fd = Fd(::open(hidden.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kNewFile));
    if (fd) return AtomicFile(std::move(target), std::move(fd), Kind::hidden, std::move(hidden));
    if (errno != EEXIST) break;
  }
  return failed_to("open", target);
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    discard();
    target_ = std::move(other.target_);
    fd_ = std::move(other.fd_);
    kind_ = other.kind_;
    hidden_ = std::exchange(other.hidden_, {});
  }
  return *this;
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() {
  if (fd_ && !hidden_.empty()) ::unlink(hidden_.c_str());
  fd_.reset();
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  LOOM_CHECK(fd_, "an AtomicFile is written before its commit");
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return failed_to("write", target_);
    }
  }
  return ok();
}

/// linkat() does not replace a file, so a nameless file takes a hidden name first, which rename() then can
/// move.
Status AtomicFile::give_hidden_name() {
  const std::string self = fmt::format("/proc/self/fd/{}", fd_.get());
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    fs::path hidden = folder_of(target_) / hidden_name(target_);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, hidden.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      hidden_ = std::move(hidden);
      return ok();
    }
    if (errno != EEXIST) break;
  }
  return failed_to("write", target_);
}

Status AtomicFile::replace() {
  if (::fsync(fd_.get()) != 0) return failed_to("write", target_);
  if (hidden_.empty()) LOOM_CHECKED(give_hidden_name());
  if (::rename(hidden_.c_str(), target_.c_str()) != 0) {
    const int number = errno;
    Error why = failed_to("write", target_);
    if (number != EBUSY && number != EPERM && number != EACCES) return why;
    if (const Status done = overwrite(); !done)
      return done.error().code == Code::not_found ? why : done.error();
    ::unlink(hidden_.c_str());
  }
  hidden_.clear();
  kind_ = Kind::named;
  return ok();
}

Status AtomicFile::overwrite() {
  const Fd target(::open(target_.c_str(), O_RDWR | O_CLOEXEC));  // what stands in for fallocate reads
  struct stat made{};
  struct stat old{};
  if (!target || ::fstat(fd_.get(), &made) != 0 || ::fstat(target.get(), &old) != 0)
    return failed_to("write", target_);
  if (made.st_size > 0) {
    errno = ::posix_fallocate(target.get(), 0, made.st_size);
    if (errno != 0) {
      const Error full = failed_to("write", target_);
      return ::ftruncate(target.get(), old.st_size) == 0 ? full : failed_to("write", target_);
    }
  }
  for (off_t at = 0; at < made.st_size;) {
    const auto left = static_cast<std::size_t>(made.st_size - at);
    const ssize_t sent = ::sendfile(target.get(), fd_.get(), &at, left);
    if (sent == 0 || (sent < 0 && errno != EINTR)) return failed_to("write", target_);
  }
  if (::ftruncate(target.get(), made.st_size) != 0 || ::fsync(target.get()) != 0)
    return failed_to("write", target_);
  return ok();
}

Status AtomicFile::commit() {
  LOOM_CHECK(fd_, "an AtomicFile is committed once");
  if (kind_ == Kind::nameless || kind_ == Kind::hidden) LOOM_CHECKED(replace());
  if (kind_ == Kind::named) LOOM_CHECKED(sync_path(folder_of(target_)));
  if (kind_ == Kind::in_place) {
    LOOM_CHECKED(overwrite());
    discard();
  }
  fd_.reset();
  return ok();
}

}  // namespace loom
