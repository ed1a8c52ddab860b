#include "catalog/residency.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/fd.hpp"
#include "catalog/database_files.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kChunkBytes = std::uint64_t{4} << 20U;  // a multiple of the page size

/// A file, mapped to ask about its pages; they are not touched.
class PageView {
 public:
  static Result<PageView> open(const fs::path& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) return system_error(errno, path.string());
    const auto size = static_cast<std::uint64_t>(status.st_size);
    void* start = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (start == MAP_FAILED) return system_error(errno, path.string());
    // The kernel's own rule (can_do_mincore); to others it says "resident" of every page.
    const bool known = status.st_uid == ::geteuid() || ::geteuid() == 0 ||
                       ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
    return PageView(std::move(file), static_cast<char*>(start), size, known);
  }
  PageView(PageView&& other) noexcept
      : file_(std::move(other.file_)),
        start_(std::exchange(other.start_, nullptr)),
        size_(other.size_),
        known_(other.known_) {}
  PageView& operator=(PageView&&) = delete;
  ~PageView() {
    if (start_ != nullptr) ::munmap(start_, size_);
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int fd() const { return file_.get(); }
  [[nodiscard]] bool known() const { return known_; }

  /// Bytes of [begin, end) in resident pages. `begin`: a multiple of kChunkBytes.
  [[nodiscard]] std::uint64_t resident(std::uint64_t begin, std::uint64_t end) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    pages_.resize((end - begin + page - 1) / page);
    if (pages_.empty() || ::mincore(start_ + begin, end - begin, pages_.data()) != 0) return 0;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < pages_.size(); ++i)
      if ((pages_[i] & 1U) != 0) bytes += std::min(page, end - begin - i * page);
    return bytes;
  }

 private:
  PageView(Fd file, char* start, std::uint64_t size, bool known)
      : file_(std::move(file)), start_(start), size_(size), known_(known) {}
  Fd file_;
  char* start_;
  std::uint64_t size_;
  bool known_;
  std::vector<unsigned char> pages_;
};

class Warming {
 public:
  explicit Warming(const WarmOptions& options) : options_(options), buffer_(kChunkBytes) {}

  Result<Warmed> run(const std::vector<DatabaseFile>& files) {
    std::uint64_t all = 0;
    for (const auto& file : files) all += file.bytes;
    progress_.planned_bytes = std::min(all, options_.budget_bytes);
    for (const auto& file : files) {
      const std::uint64_t left = progress_.planned_bytes - progress_.done_bytes;
      if (left == 0 || ended_) break;
      LOOM_CHECKED(read(file.path, left));
    }
    Warmed warmed{.progress = progress_, .residency = {}};
    warmed.end = ended_.value_or(progress_.planned_bytes < all ? WarmEnd::budget_spent : WarmEnd::whole);
    return warmed;
  }

 private:
  /// The chunks of the first `end` bytes that are not resident as a whole, before any of them is read: what
  /// is read ahead meanwhile counts as read too.
  static std::vector<bool> cold_chunks(PageView& file, std::uint64_t end) {
    std::vector<bool> cold;
    for (std::uint64_t at = 0; at < end; at += kChunkBytes) {
      const std::uint64_t next = std::min(at + kChunkBytes, end);
      cold.push_back(!file.known() || file.resident(at, next) < next - at);
    }
    return cold;
  }

  /// The first `most` bytes of the file.
  Status read(const fs::path& path, std::uint64_t most) {
    LOOM_TRY(PageView file, PageView::open(path));
    const std::uint64_t end = std::min(most, file.size());
    const std::vector<bool> cold = cold_chunks(file, end);
    for (std::uint64_t at = 0; at < end; at += kChunkBytes) {
      if (options_.stop.stop_requested()) ended_ = WarmEnd::stopped;
      if (options_.deadline.passed()) ended_ = WarmEnd::deadline;
      if (ended_) return ok();
      const std::uint64_t next = std::min(at + kChunkBytes, end);
      if (cold[at / kChunkBytes]) {
        // The disk fetches the chunk behind while this one is copied.
        ::posix_fadvise(file.fd(), static_cast<off_t>(at), static_cast<off_t>(2 * kChunkBytes),
                        POSIX_FADV_WILLNEED);
        LOOM_CHECKED(read_chunk(path, file.fd(), at, next));
        progress_.read_bytes += next - at;
      }
      progress_.done_bytes += next - at;
      if (options_.progress) options_.progress(progress_);
    }
    return ok();
  }

  Status read_chunk(const fs::path& path, int fd, std::uint64_t at, std::uint64_t end) {
    while (at < end) {
      const ssize_t got = ::pread(fd, buffer_.data(), end - at, static_cast<off_t>(at));
      if (got == 0) return ok();  // it was cut off meanwhile: no page is left to read
      if (got < 0 && errno != EINTR) return system_error(errno, path.string());
      if (got > 0) at += static_cast<std::uint64_t>(got);
    }
    return ok();
  }

  const WarmOptions& options_;
  std::vector<char> buffer_;
  WarmProgress progress_;
  std::optional<WarmEnd> ended_;
};

Result<Residency> residency(const std::vector<DatabaseFile>& files) {
  Residency sum;
  for (const auto& file : files) {
    auto view = PageView::open(file.path);
    if (!view) return std::move(view.error());
    sum.bytes += view->size();
    (view->known() ? sum.resident_bytes : sum.unknown_bytes) +=
        view->known() ? view->resident(0, view->size()) : view->size();
  }
  return sum;
}

}  // namespace

Result<Residency> residency(const Database& database) {
  return residency(files_of(database));
}

Result<Warmed> warm(const Database& database, const WarmOptions& options) {
  const auto files = files_of(database);
  LOOM_TRY(Warmed warmed, Warming(options).run(files));
  LOOM_TRY(warmed.residency, residency(files));
  return warmed;
}

}  // namespace loom::catalog
