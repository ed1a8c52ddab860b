#include "storage/files/files_object_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <functional>
#include <optional>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "base/fd.hpp"
#include "base/folder.hpp"

namespace loom::storage {
namespace {

namespace fs = std::filesystem;

// remove() takes empty folders away under a writer that has just made them; it then makes them again.
constexpr int kFolderAttempts = 100;

Status in_time(Deadline deadline, std::string_view what) {
  if (!deadline.passed()) return ok();
  return error(Code::timed_out, "the deadline passed before {}", what);
}

Error failed(int number, std::string_view what, const ObjectKey& key) {
  if (number == ENOENT || number == ENOTDIR) return no_such_object(key);
  return system_error(number, fmt::format("{} object '{}'", what, key.str()));
}

/// AtomicFile's error in the words of the store.
Error failed_write(const Error& cause, const ObjectKey& key, const fs::path& path) {
  std::error_code ignored;
  // Its folder is a file, or it is a folder: another key is in the way.
  for (fs::path up = path.parent_path(); up.has_relative_path(); up = up.parent_path()) {
    if (fs::is_regular_file(up, ignored)) return key_in_the_way(key);
  }
  if (fs::is_directory(path, ignored)) return key_in_the_way(key);
  return error(cause.code, "write object '{}': {}", key.str(), cause.message);
}

/// Makes `folder` and what is missing above it, each durable in its parent.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the path.
Status make_durable_folders(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0777) == 0) return sync_path(folder.parent_path());
  if (errno == EEXIST) return ok();
  if (errno != ENOENT || !folder.has_relative_path())
    return system_error(errno, "make folder " + folder.string());
  LOOM_CHECKED(make_durable_folders(folder.parent_path()));
  if (::mkdir(folder.c_str(), 0777) == 0) return sync_path(folder.parent_path());
  if (errno == EEXIST) return ok();
  return system_error(errno, "make folder " + folder.string());
}

/// `act` with the folder of `path` in place.
template <class Act>
auto with_folder(const fs::path& path, Act act) -> decltype(act()) {
  for (int attempt = 1;; ++attempt) {
    const Status made = make_durable_folders(path.parent_path());
    if (!made && (made.error().code != Code::not_found || attempt == kFolderAttempts)) return made.error();
    auto done = act();
    if (done || attempt == kFolderAttempts) return done;
    // Of a new file in a folder that is being removed, ext4 says EPERM.
    if (done.error().code != Code::not_found && done.error().code != Code::invalid_argument) return done;
  }
}

class FileReader final : public ObjectReader {
 public:
  FileReader(ObjectKey key, Fd fd) : key_(std::move(key)), fd_(std::move(fd)) {}

  Result<std::size_t> read(std::span<std::byte> into, Deadline deadline) override {
    std::size_t filled = 0;
    while (filled < into.size()) {
      LOOM_CHECKED(in_time(deadline, fmt::format("object '{}' was read", key_.str())));
      const ssize_t got = ::read(fd_.get(), into.data() + filled, into.size() - filled);
      if (got == 0) break;
      if (got > 0) {
        filled += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        return failed(errno, "read", key_);
      }
    }
    return filled;
  }

  Status skip(std::uint64_t count, Deadline /*deadline*/) override {
    struct stat found{};
    const off_t place = ::lseek(fd_.get(), 0, SEEK_CUR);
    if (place < 0 || ::fstat(fd_.get(), &found) != 0) return failed(errno, "read", key_);
    if (count > static_cast<std::uint64_t>(found.st_size - place))
      return error(Code::corrupt, "object '{}' has {} bytes, and ends before the place asked for", key_.str(),
                   found.st_size);
    if (::lseek(fd_.get(), static_cast<off_t>(count), SEEK_CUR) < 0) return failed(errno, "read", key_);
    return ok();
  }

 private:
  ObjectKey key_;
  Fd fd_;
};

class FileWriter final : public ObjectWriter {
 public:
  FileWriter(ObjectKey key, fs::path path, AtomicFile file)
      : key_(std::move(key)), path_(std::move(path)), file_(std::move(file)) {}

  Status write(std::span<const std::byte> bytes, Deadline deadline) override {
    LOOM_CHECKED(in_time(deadline, fmt::format("object '{}' was written", key_.str())));
    const Status written = file_.write(bytes);
    return written ? ok() : Status(failed_write(written.error(), key_, path_));
  }

  Status commit(Deadline deadline) override {
    LOOM_CHECKED(in_time(deadline, fmt::format("object '{}' was written", key_.str())));
    // Its version: the system's own stamps are milliseconds apart, and a file's number is soon given again.
    std::array<timespec, 2> times{{{0, UTIME_OMIT}, {}}};
    ::clock_gettime(CLOCK_REALTIME, &times[1]);
    if (::futimens(file_.fd(), times.data()) != 0) return failed(errno, "write", key_);
    const Status done = with_folder(path_, [this] { return file_.commit(); });
    return done ? ok() : Status(failed_write(done.error(), key_, path_));
  }

 private:
  ObjectKey key_;
  fs::path path_;
  AtomicFile file_;
};

struct OpenObject {
  Fd fd;
  std::uint64_t size_bytes;
};

Result<OpenObject> open_object(const ObjectKey& key, const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat found{};
  if (!fd || ::fstat(fd.get(), &found) != 0) return failed(errno, "open", key);
  if (!S_ISREG(found.st_mode)) return no_such_object(key);
  return OpenObject{std::move(fd), static_cast<std::uint64_t>(found.st_size)};
}

/// A replaced object is another file, and one that got the number of an old one is younger
/// (FileWriter::commit).
std::string version_of(const struct stat& file) {
  return fmt::format("{:x}-{:x}-{:x}", file.st_ino, file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
}

/// A page of a listing, which is filled in key order.
class Page {
 public:
  Page(std::string_view prefix, std::string_view after, std::size_t max_count)
      : prefix_(prefix), after_(after), max_count_(max_count) {}

  /// Whether the object "a/b", or one below the folder "a/b/", may be on this page.
  [[nodiscard]] bool wants(std::string_view place) const {
    if (!place.ends_with('/')) return place.starts_with(prefix_) && place > after_;
    const std::size_t shared = std::min(place.size(), prefix_.size());
    if (place.substr(0, shared) != prefix_.substr(0, shared)) return false;
    // All keys below it begin as it does: `after` is among them, or before or behind all of them.
    return place > after_ || after_.starts_with(place);
  }

  void add(const std::string& text, const struct stat& file) {
    auto key = ObjectKey::parse(text);
    if (!key) return;
    found_.push_back({*std::move(key), static_cast<std::uint64_t>(file.st_size), version_of(file)});
  }

  [[nodiscard]] bool full() const { return found_.size() == max_count_; }
  std::vector<ObjectInfo> take() { return std::move(found_); }

 private:
  std::string_view prefix_;
  std::string_view after_;
  std::size_t max_count_;
  std::vector<ObjectInfo> found_;
};

/// What `page` wants of `folder`, whose key so far is `key` ("" or "a/b/"): "name" of a file, "name/" of a
/// folder, which is where its keys stand among the others. Opens none of them.
Result<std::vector<std::string>> names_in(const fs::path& folder, const std::string& key, const Page& page) {
  std::vector<std::string> names;
  std::error_code trouble;
  fs::directory_iterator entries(folder, trouble);
  for (; !trouble && entries != fs::directory_iterator(); entries.increment(trouble)) {
    std::string name = entries->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code gone;
    if (entries->is_directory(gone)) name += '/';
    if (page.wants(key + name)) names.push_back(std::move(name));
  }
  // It may have been removed, or have become an object, since it was seen.
  if (trouble && trouble.value() != ENOENT && trouble.value() != ENOTDIR)
    return system_error(trouble.value(), "list objects '" + key + "'");
  return names;
}

/// Fills `page` with what is below `folder`, as names_in() has it, and opens no folder behind its end.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the keys.
Status walk(const fs::path& folder, const std::string& key, Deadline deadline, Page& page) {
  LOOM_CHECKED(in_time(deadline, "all objects were listed"));
  LOOM_TRY(std::vector<std::string> names, names_in(folder, key, page));
  // A heap, not sorted: of many names a page takes few.
  std::ranges::make_heap(names, std::greater<>());
  while (!names.empty() && !page.full()) {
    std::ranges::pop_heap(names, std::greater<>());
    const std::string name = std::move(names.back());
    names.pop_back();
    struct stat found{};
    if (name.ends_with('/')) {
      LOOM_CHECKED(walk(folder / name, key + name, deadline, page));
    } else if (::stat((folder / name).c_str(), &found) == 0 && S_ISREG(found.st_mode)) {
      page.add(key + name, found);
    }
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<FilesObjectStore>> FilesObjectStore::open(const fs::path& root) {
  std::error_code trouble;
  const fs::path place = fs::absolute(root, trouble).lexically_normal();
  if (trouble) return system_error(trouble.value(), root.string());
  const Status made = make_durable_folders(place.has_filename() ? place : place.parent_path());
  if (!made) return made.error().at("object store");
  if (!fs::is_directory(place, trouble)) {
    return error(Code::invalid_argument, "object store: {} is not a folder", place.string());
  }
  return std::unique_ptr<FilesObjectStore>(new FilesObjectStore(place));
}

Status FilesObjectStore::put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) {
  LOOM_TRY(const auto writer, open_writer(key, deadline));
  LOOM_CHECKED(writer->write(body, deadline));
  return writer->commit(deadline);
}

Result<std::vector<std::byte>> FilesObjectStore::get(const ObjectKey& key, std::uint64_t max_bytes,
                                                     Deadline deadline) {
  LOOM_TRY(OpenObject object, open_object(key, path_of(key)));
  if (object.size_bytes > max_bytes) return object_too_large(key, object.size_bytes, max_bytes);
  std::vector<std::byte> bytes(object.size_bytes);
  FileReader reader(key, std::move(object.fd));
  LOOM_TRY(const std::size_t got, reader.read(bytes, deadline));
  if (got < bytes.size()) {
    return error(Code::corrupt, "object '{}' was cut from {} bytes to {} while it was read", key.str(),
                 bytes.size(), got);
  }
  return bytes;
}

Result<std::unique_ptr<ObjectReader>> FilesObjectStore::open_reader(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline, fmt::format("object '{}' was opened", key.str())));
  LOOM_TRY(OpenObject object, open_object(key, path_of(key)));
  return std::make_unique<FileReader>(key, std::move(object.fd));
}

Result<std::unique_ptr<ObjectWriter>> FilesObjectStore::open_writer(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline, fmt::format("object '{}' was written", key.str())));
  fs::path path = path_of(key);
  auto file = with_folder(path, [&path] { return AtomicFile::create(path); });
  if (!file) return failed_write(file.error(), key, path);
  return std::make_unique<FileWriter>(key, std::move(path), *std::move(file));
}

Result<ObjectInfo> FilesObjectStore::stat(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline, fmt::format("object '{}' was looked up", key.str())));
  struct stat found{};
  if (::stat(path_of(key).c_str(), &found) != 0) return failed(errno, "look up", key);
  if (!S_ISREG(found.st_mode)) return no_such_object(key);
  return ObjectInfo{key, static_cast<std::uint64_t>(found.st_size), version_of(found)};
}

Result<std::vector<ObjectInfo>> FilesObjectStore::list(std::string_view prefix, std::string_view after,
                                                       std::size_t max_count, Deadline deadline) {
  LOOM_CHECK(max_count > 0, "a page holds at least one object");
  LOOM_CHECKED(in_time(deadline, "all objects were listed"));
  Page page(prefix, after, max_count);
  const std::string folder(prefix.substr(0, prefix.rfind('/') + 1));  // "" without a '/'
  // No key is below a folder that is none of a key's, and the way there may lead out of the store.
  const bool possible = folder.empty() || ObjectKey::parse(folder.substr(0, folder.size() - 1));
  if (possible) LOOM_CHECKED(walk(root_ / folder, folder, deadline, page));
  return page.take();
}

Status FilesObjectStore::remove(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline, fmt::format("object '{}' was removed", key.str())));
  const fs::path path = path_of(key);
  if (::unlink(path.c_str()) != 0) {
    // EISDIR: there are keys below it, and so no object of this name.
    if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR) return ok();
    return failed(errno, "remove", key);
  }
  fs::path folder = path.parent_path();
  while (folder != root_ && ::rmdir(folder.c_str()) == 0) folder = folder.parent_path();
  // The lowest folder left has to remember that the entry is gone; another remove() may have taken it too.
  const Status synced = sync_path(folder);
  return synced || synced.error().code == Code::not_found ? ok() : synced;
}

}  // namespace loom::storage
