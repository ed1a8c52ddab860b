#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>

#include "base/fd.hpp"
#include "taxonomy/dump.hpp"

namespace loom::taxonomy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = std::size_t{1} << 20U;

Error cancelled() {
  return error(Code::cancelled, "the import of the taxonomy was stopped");
}

std::optional<DumpFile> dump_file(const fs::path& path) {
  for (const DumpFile file : kDumpFiles)
    if (path.filename() == name(file)) return file;
  return std::nullopt;
}

struct FreeReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

class Source {
 public:
  Source(const fs::path& path, std::stop_token stop)
      : path_(path), stop_(std::move(stop)), buffer_(kBufferBytes, '\0') {}

  Status read_folder() {
    for (const DumpFile file : kDumpFiles) {
      const fs::path path = path_ / name(file);
      const Fd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!in && errno == ENOENT) continue;
      if (!in) return system_error(errno, path.string());
      LOOM_CHECKED(read(file, [&]() -> Result<std::size_t> {
        const ssize_t got = ::read(in.get(), buffer_.data(), buffer_.size());
        if (got < 0) return system_error(errno, path.string());
        return static_cast<std::size_t>(got);
      }));
    }
    return ok();
  }

  Status read_archive() {
    const std::unique_ptr<archive, FreeReader> reader(archive_read_new());
    const auto failed = [&] {
      return error(Code::corrupt, "{}: {}", path_.string(), archive_error_string(reader.get()));
    };
    archive_read_support_filter_all(reader.get());
    archive_read_support_format_all(reader.get());
    if (archive_read_open_filename(reader.get(), path_.c_str(), kBufferBytes) != ARCHIVE_OK) return failed();
    for (archive_entry* entry = nullptr;;) {
      const int next = archive_read_next_header(reader.get(), &entry);
      if (next == ARCHIVE_EOF) return ok();
      if (next != ARCHIVE_OK) return failed();
      const char* path = archive_entry_pathname(entry);
      const auto file = path == nullptr ? std::nullopt : dump_file(path);
      if (!file || archive_entry_filetype(entry) != AE_IFREG) continue;
      LOOM_CHECKED(read(*file, [&]() -> Result<std::size_t> {
        const la_ssize_t got = archive_read_data(reader.get(), buffer_.data(), buffer_.size());
        if (got < 0) return failed();
        return static_cast<std::size_t>(got);
      }));
    }
  }

  Result<Dump> take() && {
    for (const DumpFile needed : {DumpFile::nodes, DumpFile::names}) {
      if (!seen_.contains(needed)) {
        return error(Code::not_found, "{}: has no {}; name the folder or the archive of an NCBI taxdump",
                     path_.string(), name(needed));
      }
    }
    return std::move(parser_).take();
  }

 private:
  /// All of `file`; `next` fills buffer_ and says with how much, 0 at the end.
  template <class Next>
  Status read(DumpFile file, const Next& next) {
    if (!seen_.insert(file).second)
      return error(Code::corrupt, "{}: has two files {}", path_.string(), name(file));
    for (;;) {
      if (stop_.stop_requested()) return cancelled();
      LOOM_TRY(const std::size_t bytes, next());
      Status parsed =
          bytes == 0 ? parser_.end(file) : parser_.add(file, std::string_view(buffer_).substr(0, bytes));
      if (!parsed) return std::move(parsed.error()).at(path_.string());
      if (bytes == 0) return ok();
    }
  }

  const fs::path& path_;
  std::stop_token stop_;
  std::string buffer_;
  DumpParser parser_;
  std::set<DumpFile> seen_;
};

}  // namespace

Result<Dump> read_dump(const fs::path& source, std::stop_token stop) {
  std::error_code failed;
  const bool folder = fs::is_directory(source, failed);
  if (!fs::exists(source, failed)) return error(Code::not_found, "{}: does not exist", source.string());
  Source reading(source, std::move(stop));
  LOOM_CHECKED(folder ? reading.read_folder() : reading.read_archive());
  return std::move(reading).take();
}

}  // namespace loom::taxonomy
